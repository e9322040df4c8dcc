export { HostDirectory, type Access } from './files/host-directory.js';
export { type PathParts } from './files/path.js';
export * from './sysfs/index.js';

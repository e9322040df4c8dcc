export * from './descriptors.js';
export * from './diagnosis/index.js';
export { HostDirectory, type Access } from './files/host-directory.js';
export { type PathParts } from './files/path.js';
export * from './kernel-log/index.js';
export * from './sysfs/index.js';
export * from './trace/index.js';
export * from './uevent/index.js';
export * from './vfio-descriptors.js';

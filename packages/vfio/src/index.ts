/**
 * Native binding to VFIO and the Linux host.
 * @packageDocumentation
 */
export * from './device/index.js';
export * from './host/index.js';
export { loadNative, nativeAvailability, nativeSyscalls, type NativeLoader } from './native/load.js';
export * from './seam/errno.js';
export { openDescriptors, type OpenDescriptor } from './seam/open-descriptors.js';
export { OwnedFd } from './seam/owned-fd.js';
export * from './seam/syscalls.js';

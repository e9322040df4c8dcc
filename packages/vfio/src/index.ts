/**
 * Native binding to VFIO and the Linux host.
 * @packageDocumentation
 */
export * from './seam/syscalls.js';

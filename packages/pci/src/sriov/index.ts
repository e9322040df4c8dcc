/**
 * Single Root I/O Virtualization.
 * @packageDocumentation
 */
export * from './sriov.js';

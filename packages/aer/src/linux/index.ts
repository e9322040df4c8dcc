/**
 * AER on a Linux host: for the holder of VFIO devices. Everything of the host comes by ports (`@pci-recovery/core/linux`).
 * @packageDocumentation
 */
export { type AerLinuxPorts } from './kernel-watch.js';
export * from './owner-platform.js';
export * from './owner-timings.js';
export * from './record.js';
export { readTopology } from './topology.js';

/**
 * AER on a Linux host: for the holder of VFIO devices (`owner`), and for host administration that looks on (`observer`). Everything of the
 * host comes by ports (`@pci-recovery/core/linux`).
 * @packageDocumentation
 */
import 'reflect-metadata';

export { HostAdministration } from './host-administration.js';
export { type AerLinuxPorts } from './kernel-watch.js';
export * from './linux-module.js';
export * from './observer-platform.js';
export * from './observer-timings.js';
export * from './owner-platform.js';
export * from './owner-timings.js';
export * from './record.js';
export { readTopology } from './topology.js';

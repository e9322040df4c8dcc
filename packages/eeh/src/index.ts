/**
 * The PowerPC EEH backend.
 * @packageDocumentation
 */
import 'reflect-metadata';

export * from './eeh-module.js';
export * from './firmware/opal.js';
export * from './firmware/rtas.js';
export * from './firmware/states.js';
export * from './owner-port.js';
export * from './pe/pe.js';
export { PeTree, walkDevices, walkPes } from './pe/tree.js';
export { type Check, type EehStatistics, MOST_IGNORED_READS } from './platform/detection.js';
export * from './platform/eeh-options.js';
export * from './platform/eeh-platform.js';
export { ERRNO } from './platform/errno.js';
export * from './platform/owner-platform.js';
export { HUB } from './platform/scope.js';
export { type EehLog, type EehTimings, KERNEL_TIMINGS, type LoggedRegisters } from './platform/surroundings.js';
export * from './port.js';
export * from './procedure/host.js';
export * from './procedure/operations.js';
export * from './procedure/owner.js';
export { type HostState } from './procedure/state.js';
export * from './record.js';
export * from './scope.js';
export * from './tokens.js';
export * from './vfio.js';
export * from './votes.js';

/**
 * Simulated hardware with EEH: host bridges, partitionable endpoints, and firmware of both kinds.
 * @packageDocumentation
 */
export * from './description.js';
export { type EehFault, FIRMWARE_CALLS, type FirmwareCall } from './faults.js';
export { type FreezeOptions, simulateEeh, SimulatedEehHardware } from './hardware.js';
export { type EehFact, type EehHappening, type LogOptions, type ResetKind } from './witness.js';

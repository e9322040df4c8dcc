/**
 * Simulated zPCI functions and their firmware.
 * @packageDocumentation
 */
export { FIRMWARE_CALLS, type FaultKind, type FaultOf, type FirmwareCall, type HardwareFault } from './faults.js';
export { SimulatedZpci, simulateZpci, type FunctionInspection } from './hardware.js';
export * from './machine/description.js';
export { type DmaAccess, type DmaOutcome, type ErrorDetails } from './machine/error-state.js';
export { type LogOptions, type ZpciFact, type ZpciOccurrence } from './witness-log.js';
export { FEATURE, HeldDevice, type FeatureData, type HeldDeviceOptions } from './vfio/held-device.js';
export { SimulatedVfio, type SimulatedVfioOptions } from './vfio/simulated-vfio.js';

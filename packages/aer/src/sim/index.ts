/**
 * Simulated hardware with Advanced Error Reporting.
 * @packageDocumentation
 */
export { ALL_ERRORS, VIRTUAL_FUNCTION_ERRORS, type ImplementedErrors } from './access/aer-rows.js';
export {
  type BusFact,
  type BusHappening,
  type ErrorMessageKind,
  type LogOptions,
  type ResetCause,
  type StatusRegister,
} from './bus-log.js';
export { type SentMessage } from './errors/detect.js';
export { type Detection, type ErrorBit } from './errors/detection.js';
export { type FaultKind, type FaultOf, type HardwareFault } from './faults.js';
export { simulate, SimulatedHardware } from './hardware.js';
export * from './machine/description.js';
export * from './aer-inject/index.js';
export * from './dump/index.js';

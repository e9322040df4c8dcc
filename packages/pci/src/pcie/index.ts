/**
 * The PCI Express capability.
 * @packageDocumentation
 */
export * from './pcie.js';
export * from './port-type.js';
export { type PcieRegisters } from './registers.js';

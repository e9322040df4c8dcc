/**
 * Registers as data: offsets, bit names, field masks.
 * @packageDocumentation
 */
export * from './aer.js';
export * from './bits.js';
export * from './capability-id.js';
export * from './dpc.js';
export * from './extended-capability-id.js';
export * from './fields.js';
export * from './header.js';
export * from './msi.js';
export * from './pcie-fields-2.js';
export * from './pcie-fields.js';
export * from './pcie.js';
export * from './sriov.js';

/**
 * Diagnostic data of PowerNV PCIe host bridges: decoded from bytes or from log text, and explained.
 * @packageDocumentation
 */
export { type PowerBit, type UnitName } from './bits.js';
export { type ConfigFields } from './config-fields.js';
export * from './decode.js';
export * from './diag-data.js';
export * from './explain.js';
export * from './finding.js';
export { type FirstError, type FirstErrors } from './first-error.js';
export * from './layout.js';
export * from './pest.js';
export * from './text/parse.js';

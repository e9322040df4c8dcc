/**
 * Advanced Error Reporting.
 * @packageDocumentation
 */
export * from './aer.js';
export { type AerRegisters } from './registers.js';
export * from './tlp-log.js';
export * from './tlp.js';

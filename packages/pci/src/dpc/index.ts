/**
 * Downstream Port Containment.
 * @packageDocumentation
 */
export * from './dpc.js';

/**
 * A backend of a further platform: ARM firmware-first, in small.
 * @packageDocumentation
 */
export * from './harness.js';
export * from './machine.js';
export * from './platform.js';
export * from './procedure.js';
export * from './profile.js';
export * from './record.js';

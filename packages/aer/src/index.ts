/**
 * The x86 AER backend.
 * @packageDocumentation
 */
import 'reflect-metadata';

export * from './aer-module.js';
export * from './platform/aer-platform.js';
export * from './platform/config-snapshot.js';
export * from './platform/counters.js';
export { type Confirmation } from './platform/error-status.js';
export * from './platform/firmware-record.js';
export * from './platform/reset-timings.js';
export * from './port.js';
export * from './procedure/host.js';
export * from './procedure/observer.js';
export * from './procedure/owner.js';
export * from './record.js';
export * from './tokens.js';
export * from './votes.js';

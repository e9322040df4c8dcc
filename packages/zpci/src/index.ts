/**
 * The s390 zPCI backend.
 * @packageDocumentation
 */
import 'reflect-metadata';

export * from './ccdf/index.js';
export * from './firmware-codes.js';
export * from './platform/counters.js';
export * from './platform/happening.js';
export { MOST_PENDING, PendingErrors, type Storage } from './platform/pending-errors.js';
export * from './platform/timings.js';
export { type FunctionState } from './platform/zpci-function.js';
export * from './platform/zpci-platform.js';
export * from './owner-port.js';
export * from './platform/config-snapshot.js';
export * from './platform/owner-timings.js';
export * from './platform/zpci-owner-platform.js';
export * from './port.js';
export * from './procedure/host.js';
export * from './procedure/host-operations.js';
export * from './procedure/owner.js';
export * from './record.js';
export * from './tokens.js';
export * from './votes.js';
export * from './zpci-module.js';

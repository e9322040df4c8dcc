/**
 * The PowerPC EEH backend.
 * @packageDocumentation
 */
import 'reflect-metadata';

export * from './procedure/host.js';
export * from './procedure/operations.js';
export * from './record.js';
export * from './scope.js';
export * from './votes.js';

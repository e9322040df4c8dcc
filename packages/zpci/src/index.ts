/**
 * The s390 zPCI backend.
 * @packageDocumentation
 */
import 'reflect-metadata';

export * from './ccdf/index.js';
export * from './procedure/host.js';
export * from './procedure/host-operations.js';
export * from './procedure/owner.js';
export * from './record.js';
export * from './votes.js';

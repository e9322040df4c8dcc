/**
 * The x86 AER backend.
 * @packageDocumentation
 */
import 'reflect-metadata';

export * from './port.js';
export * from './procedure/host.js';
export * from './procedure/owner.js';
export * from './record.js';
export * from './votes.js';

/**
 * Exhaustive exploration of procedures, and their pictures.
 * @packageDocumentation
 */
export * from './diagram.js';
export * from './explore.js';

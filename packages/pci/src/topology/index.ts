/**
 * The tree of PCI buses.
 * @packageDocumentation
 */
export * from './function.js';
export * from './place-functions.js';
export * from './topology.js';

/**
 * PCI configuration-space codecs.
 * @packageDocumentation
 */
export * from './registers/index.js';
export * from './topology/index.js';

/**
 * PCI configuration-space codecs.
 * @packageDocumentation
 */
export * from './topology/index.js';

/**
 * PCI configuration-space codecs.
 * @packageDocumentation
 */
export * from './error-reporting/index.js';
export * from './config-space/index.js';
export * from './dpc/index.js';
export * from './function/index.js';
export * from './header/index.js';
export * from './msi/index.js';
export * from './pcie/index.js';
export * from './registers/index.js';
export * from './sriov/index.js';
export * from './topology/index.js';

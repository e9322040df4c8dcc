/**
 * Contract, engine and policies of PCI error recovery.
 * @packageDocumentation
 */
export * from './bdf.js';
export * from './contract/index.js';
export * from './errors/pci-recovery-error.js';
export * from './plain.js';

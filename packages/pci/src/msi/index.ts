/**
 * Message Signaled Interrupts: MSI and MSI-X.
 * @packageDocumentation
 */
export * from './msi.js';
export * from './msix.js';

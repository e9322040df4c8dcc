/**
 * Text dumps of lspci, read and written.
 * @packageDocumentation
 */
export * from './dump.js';
export * from './format.js';
export * from './parse.js';

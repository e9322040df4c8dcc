/**
 * Errors described in the language of aer-inject.
 * @packageDocumentation
 */
export * from './inject.js';
export * from './parse.js';

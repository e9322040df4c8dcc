/**
 * A whole function at once.
 * @packageDocumentation
 */
export * from './decode-function.js';

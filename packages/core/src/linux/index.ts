/**
 * The ports of a Linux host that backends' Linux adapters take. Types only: whoever composes the program injects them.
 * @packageDocumentation
 */
export * from './ports.js';

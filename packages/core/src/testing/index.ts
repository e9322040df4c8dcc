/**
 * What tests and simulations of recoveries need: time under control.
 * @packageDocumentation
 */
export * from './virtual-clock.js';

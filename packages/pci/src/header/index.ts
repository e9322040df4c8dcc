/**
 * The configuration header, types 0, 1 and 2.
 * @packageDocumentation
 */
export * from './base-address.js';
export * from './header.js';
export { type BridgeRegisters, type CommonRegisters, type NormalRegisters, type OtherRegisters } from './registers.js';
export * from './window.js';

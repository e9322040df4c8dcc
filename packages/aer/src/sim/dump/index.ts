/**
 * Simulated functions from real registers.
 * @packageDocumentation
 */
export {
  functionFromDump,
  simulateFromDump,
  type DumpedFunctionOptions,
  type DumpOptions,
} from './simulate-from-dump.js';

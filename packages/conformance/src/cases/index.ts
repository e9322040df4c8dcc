import { CONTRACT_CASES } from './contract.js';
import { PROCEDURE_CASES } from './procedure.js';
import { SEQUENCE_CASES } from './sequence.js';
import { type ConformanceCase } from './case.js';

/** The whole suite, in the order in which it is run. */
export const CASES: readonly ConformanceCase[] = [...CONTRACT_CASES, ...PROCEDURE_CASES, ...SEQUENCE_CASES];

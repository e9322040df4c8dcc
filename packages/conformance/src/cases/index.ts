import { CANCELLATION_CASES } from './cancellation.js';
import { type ConformanceCase } from './case.js';
import { CONCURRENCY_CASES } from './concurrency.js';
import { CONTRACT_CASES } from './contract.js';
import { DECODE_CASES } from './decode.js';
import { EXCLUSIVE_CASES } from './exclusive.js';
import { FAILURE_CASES } from './failures.js';
import { FAULT_CASES } from './faults.js';
import { HELD_CASES } from './held.js';
import { LIFECYCLE_CASES } from './lifecycle.js';
import { LIVE_CASES } from './live.js';
import { PROCEDURE_CASES } from './procedure.js';
import { RECORDED_CASES } from './recorded.js';
import { REPETITION_CASES } from './repetition.js';
import { SEQUENCE_CASES } from './sequence.js';
import { STORM_CASES } from './storms.js';
import { VOTE_CASES } from './votes.js';
import { WAITING_CASES } from './waiting.js';

/** The whole suite, in the order in which it is run. */
export const CASES: readonly ConformanceCase[] = [
  ...CONTRACT_CASES,
  ...PROCEDURE_CASES,
  ...DECODE_CASES,
  ...SEQUENCE_CASES,
  ...VOTE_CASES,
  ...FAILURE_CASES,
  ...REPETITION_CASES,
  ...FAULT_CASES,
  ...RECORDED_CASES,
  ...HELD_CASES,
  ...CONCURRENCY_CASES,
  ...WAITING_CASES,
  ...STORM_CASES,
  ...CANCELLATION_CASES,
  ...LIFECYCLE_CASES,
  ...EXCLUSIVE_CASES,
  ...LIVE_CASES,
];

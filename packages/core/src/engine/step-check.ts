import { refusedAnyway, unawaited } from './floating.js';
import { type EndStep, type RecoveryResult, type Step } from '../contract/step.js';

const RESULTS: ReadonlySet<unknown> = new Set<RecoveryResult>(['recovered', 'disconnected', 'handed_over', 'ignored']);

/** A procedure must answer with steps: what is none ends the recovery. */
export function refuseUnknown(step: Exclude<Step, EndStep>): void {
  if (step.do === 'notify' || step.do === 'operate') return;
  unawaited(step, refusedAnyway);
  throw new Error('it answered no step');
}

/** A recovery must end with a result: what is none makes nobody usable. */
export function refuseUnknownResult({ result }: EndStep): void {
  if (!RESULTS.has(result)) throw new Error(`"${String(result)}" is no result`);
}

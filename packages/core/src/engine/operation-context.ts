import { type RecoveryScope } from '../contract/device.js';
import { type PerformContext } from '../contract/platform.js';
import { type OperateStep } from '../contract/step.js';

/** Only a `wait` gives way to an abort, and only where the law says what stopping means. */
export const cuttable = (step: OperateStep): boolean => step.operation.nature === 'wait' && step.stopped !== undefined;

/** What an operation gets to know that runs to its end: its signal never aborts. */
export class UncutContext implements PerformContext {
  readonly recovery: number;
  readonly scope: RecoveryScope;
  #signal: AbortSignal | undefined;

  constructor({ recovery, scope }: PerformContext) {
    this.recovery = recovery;
    this.scope = scope;
  }

  get signal(): AbortSignal {
    return (this.#signal ??= new AbortController().signal);
  }
}

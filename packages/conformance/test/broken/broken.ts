import {
  type Answer,
  type OperationResult,
  type RecoveryEngine,
  type RecoveryPlatform,
  type RecoveryProcedure,
  type Step,
} from '@pci-recovery/core';
import { type Harness } from '../../src/index.js';
import { referenceHarness } from '../reference/harness.js';
import { type ReferenceBus } from '../reference/bus.js';

/** Something deliberately wrong, and the cases that must notice. */
export interface Broken {
  /** What is wrong, as a sentence about it. */
  readonly does: string;
  readonly harness: Harness;
  /** Ids of cases, each of which must fail. */
  readonly caughtBy: readonly string[];
}

type Change = (platform: RecoveryPlatform, bus: ReferenceBus) => Partial<RecoveryPlatform>;

/** A reference platform with some of its functions replaced. */
export const brokenPlatform = (does: string, change: Change, ...caughtBy: string[]): Broken => ({
  does,
  harness: referenceHarness({ platform: (platform, bus) => ({ ...platform, ...change(platform, bus) }) }),
  caughtBy,
});

type Rewrite = (step: Step) => Step;

/** Every step of a tree, rewritten as it is reached. */
export function rewritten(original: Step, rewrite: Rewrite): Step {
  const step = rewrite(original);
  if (step.do === 'end') return step;
  const stops = step.stopped && { stopped: () => rewritten(step.stopped!(), rewrite) };
  if (step.do === 'notify')
    return { ...step, ...stops, then: (answers: readonly Answer[]) => rewritten(step.then(answers), rewrite) };
  return { ...step, ...stops, then: (result: OperationResult) => rewritten(step.then(result), rewrite) };
}

/** A reference platform whose procedure's steps are rewritten. */
export const brokenSteps = (does: string, rewrite: Rewrite, ...caughtBy: string[]): Broken =>
  brokenProcedure(does, (procedure) => ({ begin: (input) => rewritten(procedure.begin(input), rewrite) }), ...caughtBy);

/** A reference platform with some of its procedure's functions replaced. */
export const brokenProcedure = (
  does: string,
  change: (procedure: RecoveryProcedure) => Partial<RecoveryProcedure>,
  ...caughtBy: string[]
): Broken =>
  brokenPlatform(does, ({ procedure }) => ({ procedure: { ...procedure, ...change(procedure) } }), ...caughtBy);

/** A correct platform under an engine that is not. */
export const brokenEngine = (
  does: string,
  createEngine: NonNullable<Harness['createEngine']>,
  ...caughtBy: string[]
): Broken => ({ does, harness: referenceHarness({}, { createEngine }), caughtBy });

/** An engine that does as another one, except for what is replaced. */
export const facade = (inner: RecoveryEngine, over: Partial<RecoveryEngine>): RecoveryEngine => ({
  attach: (bdf, handlers) => inner.attach(bdf, handlers),
  submit: (event, options) => inner.submit(event, options),
  exclusive: (scope, work, options) => inner.exclusive(scope, work, options),
  observe: (listener) => inner.observe(listener),
  start: () => inner.start(),
  close: () => inner.close(),
  abort: (reason) => inner.abort(reason),
  [Symbol.asyncDispose]: () => inner.close(),
  ...over,
});

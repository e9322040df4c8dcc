import {
  type Answer,
  type Awaitable,
  type ErsResult,
  type NotifyStep,
  type Operation,
  type OperationResult,
  type PerformContext,
  type RecoveryInput,
  type RecoveryPlatform,
  type RecoveryProcedure,
  type Step,
} from '@pci-recovery/core';
import { type Harness } from '@pci-recovery/conformance';
import { type Wiring } from '../../src/harnesses/wiring.js';

/** Something deliberately wrong, and the cases that must notice. */
export interface Broken {
  /** What is wrong, as a sentence about it. */
  readonly does: string;
  readonly harness: Harness;
  /** Ids of cases, each of which must fail. */
  readonly caughtBy: readonly string[];
}

/** An object that does as another one, private state and all, except for what is replaced. */
export const overlay = <T extends object>(target: T, changes: Partial<T>): T =>
  new Proxy(target, {
    get(of, key) {
      if (Object.hasOwn(changes, key)) return Reflect.get(changes, key) as unknown;
      const value = Reflect.get(of, key, of) as unknown;
      return typeof value === 'function' ? (value.bind(of) as unknown) : value;
    },
  });

export type Rewrite = (step: Step, input: RecoveryInput) => Step;

/** Every step of a tree, rewritten as it is reached. What a rewrite adds is left as it is. */
function rewritten(original: Step, input: RecoveryInput, rewrite: Rewrite): Step {
  const follow = (step: Step): Step => rewritten(step, input, rewrite);
  if (original.do === 'end') return rewrite(original, input);
  const stops = original.stopped && { stopped: () => follow(original.stopped!()) };
  const step: Step =
    original.do === 'notify'
      ? { ...original, ...stops, then: (answers: readonly Answer[]) => follow(original.then(answers)) }
      : { ...original, ...stops, then: (result: OperationResult) => follow(original.then(result)) };
  return rewrite(step, input);
}

type Perform = (
  honest: (operation?: Operation) => Awaitable<OperationResult>,
  operation: Operation,
  context: PerformContext,
) => Awaitable<OperationResult>;

/** Ways of breaking one kind of platform. */
export class Breaking<Port, Platform extends RecoveryPlatform> {
  readonly #harness: (wiring: Wiring<Port, Platform>) => Harness;

  constructor(harness: (wiring: Wiring<Port, Platform>) => Harness) {
    this.#harness = harness;
  }

  /** Something is put between the parts of the machine. */
  wired(does: string, wiring: Wiring<Port, Platform>, ...caughtBy: string[]): Broken {
    return { does, harness: this.#harness(wiring), caughtBy };
  }

  /** Some of the platform's functions are replaced; anew for every machine. */
  platform(does: string, change: (platform: Platform) => Partial<RecoveryPlatform>, ...caughtBy: string[]): Broken {
    const platform = (honest: Platform): RecoveryPlatform => overlay<RecoveryPlatform>(honest, change(honest));
    return this.wired(does, { platform }, ...caughtBy);
  }

  /** The operation of that name is done otherwise; what remembers something does so for one machine. */
  operation(does: string, name: string, otherwise: () => Perform, ...caughtBy: string[]): Broken {
    return this.platform(
      does,
      (platform) => {
        const perform = otherwise();
        return {
          perform: (operation, context) =>
            operation.name === name
              ? perform((instead = operation) => platform.perform(instead, context), operation, context)
              : platform.perform(operation, context),
        };
      },
      ...caughtBy,
    );
  }

  /** Some of the law's functions are replaced. */
  law(
    does: string,
    change: (procedure: RecoveryProcedure) => Partial<RecoveryProcedure>,
    ...caughtBy: string[]
  ): Broken {
    return this.platform(does, ({ procedure }) => ({ procedure: { ...procedure, ...change(procedure) } }), ...caughtBy);
  }

  /** The law's steps are rewritten. */
  steps(does: string, rewrite: Rewrite, ...caughtBy: string[]): Broken {
    return this.law(
      does,
      (procedure) => ({ begin: (input) => rewritten(procedure.begin(input), input, rewrite) }),
      ...caughtBy,
    );
  }
}

/** The walk of a callback, except that with `perm_failure`. */
export const walks = (step: Step, callback: NotifyStep['callback']): step is NotifyStep =>
  step.do === 'notify' && step.callback === callback && step.channel !== 'perm_failure';

/** The walk that tells that all is lost. */
export const tellsLoss = (step: Step): step is NotifyStep => step.do === 'notify' && step.channel === 'perm_failure';

/** Changes what one walk's answers count as. */
export const misread =
  (callback: NotifyStep['callback'], read: (answers: readonly Answer[]) => readonly Answer[]): Rewrite =>
  (step) =>
    walks(step, callback) ? { ...step, then: (answers: readonly Answer[]) => step.then(read(answers)) } : step;

/** Takes each vote of these for that one. */
export const takenFor =
  (votes: readonly ErsResult[], instead: ErsResult) =>
  (answers: readonly Answer[]): Answer[] =>
    answers.map((one) => (one.gave === 'vote' && votes.includes(one.vote) ? { ...one, vote: instead } : one));

/** The answers as another law merges them: all votes but the last abstain, and that one is the merged vote. */
export const mergedBy =
  (merge: (sofar: ErsResult, vote: ErsResult) => ErsResult, start: ErsResult) =>
  (answers: readonly Answer[]): Answer[] => {
    const last = answers.findLastIndex(({ gave }) => gave === 'vote');
    const merged = answers.reduce((sofar, one) => (one.gave === 'vote' ? merge(sofar, one.vote) : sofar), start);
    return answers.map((one, index) =>
      one.gave === 'vote' ? { ...one, vote: index === last ? merged : 'none' } : one,
    );
  };

const votedOnly = (answers: readonly Answer[], ...votes: readonly ErsResult[]): boolean =>
  answers.length > 0 && answers.every((one) => one.gave === 'vote' && votes.includes(one.vote));

/** A driver gives its device up, and an operation is done all the same before the law goes on. */
export const doesFirst =
  (callback: NotifyStep['callback'], operation: (input: RecoveryInput) => Operation): Rewrite =>
  (step, input) => {
    if (!walks(step, callback)) return step;
    const then = (answers: readonly Answer[]): Step => {
      const next = (): Step => step.then(answers);
      if (!votedOnly(answers, 'disconnect')) return next();
      return { do: 'operate', at: 'before', state: null, operation: operation(input), then: next };
    };
    return { ...step, then };
  };

/** What every platform can do wrongly at the beginning and at the end. */
export const endsOf = <Port, Platform extends RecoveryPlatform>(
  backend: string,
  breaking: Breaking<Port, Platform>,
  ...alsoCaughtBy: string[]
): readonly Broken[] => [
  breaking.steps(
    `${backend}: keeps perm_failure to itself`,
    (step) => (tellsLoss(step) ? step.then([]) : step),
    'failure.perm-failure-told',
    'sequence.every-first-vote',
  ),
  breaking.steps(
    `${backend}: tells perm_failure twice`,
    (step) => (tellsLoss(step) ? { ...step, then: () => step } : step),
    'failure.perm-failure-told',
  ),
  breaking.steps(
    `${backend}: tells that the channel is frozen when all is lost`,
    (step) => (tellsLoss(step) ? { ...step, channel: 'frozen' } : step),
    'failure.perm-failure-told',
  ),
  breaking.steps(
    `${backend}: hands functions back after a failure`,
    (step, { scope }) =>
      step.do === 'end' && step.result === 'disconnected' ? { ...step, usable: [...scope.members] } : step,
    'procedure.every-path-ends',
    ...alsoCaughtBy,
  ),
  breaking.platform(
    `${backend}: finds nothing at the start`,
    (platform) => ({ survey: async (options) => (await platform.survey(options)).slice(0, 0) }),
    'contract.survey-finds-the-broken',
  ),
];

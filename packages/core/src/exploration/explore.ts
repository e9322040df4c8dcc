import { type DeviceRef } from '../contract/device.js';
import {
  type Answer,
  type AnswerForm,
  type EndStep,
  type NotifyStep,
  type OperateStep,
  type OperationResult,
  type Step,
} from '../contract/step.js';
import { answerOf } from '../engine/callback.js';
import { type Plain } from '../plain.js';

/** Everything that can come back: what an exhaustive exploration goes through. */
export interface Alphabet {
  answers(step: NotifyStep, device: DeviceRef): readonly AnswerForm[];
  results(step: OperateStep): readonly OperationResult[];
}

/** What led from one step to the next. */
export type Input =
  | { readonly kind: 'answers'; readonly answers: readonly Answer[] }
  | { readonly kind: 'result'; readonly result: OperationResult }
  | { readonly kind: 'stopped' };

/**
 * Watches every path. What it remembers is plain data and part of the memory of the exploration, so a property of whole
 * paths stays exact. It throws to report a violation.
 */
export interface Monitor<M extends Plain> {
  readonly initial: M;
  /** A step was answered. */
  after(memory: M, step: NotifyStep | OperateStep, input: Input): M;
  /** A path has ended. */
  end(memory: M, step: EndStep): void;
}

/** Options of {@link explore}. */
export interface ExploreOptions<M extends Plain> {
  readonly alphabet: Alphabet;
  readonly monitor: Monitor<M>;
  /** Every way from one step to the next, once. */
  readonly edge?: (from: NotifyStep | OperateStep, input: Input, to: Step) => void;
  /** Visit each `at + state + memory` once (default), or walk the whole tree. */
  readonly memoise?: boolean;
}

/** What an exploration went through. */
export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  /** Distinct ends, `result: why`. */
  readonly ends: ReadonlySet<string>;
}

/** Every sequence of answers of the walked functions, in order. */
function* answerCombinations(step: NotifyStep, alphabet: Alphabet): Generator<Answer[]> {
  const choices = step.to.map((device) => alphabet.answers(step, device).map((form) => answerOf(device, form)));
  const chosen: Answer[] = [];
  function* from(index: number): Generator<Answer[]> {
    if (index === choices.length) {
      yield [...chosen];
      return;
    }
    for (const choice of choices[index]!) {
      chosen[index] = choice;
      yield* from(index + 1);
    }
  }
  yield* from(0);
}

/** Every input that can follow a step, with the step it leads to. */
function* successors(step: NotifyStep | OperateStep, alphabet: Alphabet): Generator<[Input, Step]> {
  if (step.stopped) yield [{ kind: 'stopped' }, step.stopped()];
  if (step.do === 'notify') {
    for (const answers of answerCombinations(step, alphabet)) yield [{ kind: 'answers', answers }, step.then(answers)];
  } else {
    for (const result of alphabet.results(step)) yield [{ kind: 'result', result }, step.then(result)];
  }
}

/**
 * Walks everything that a procedure can do from a step on. Depth first, without recursion: the depth of a procedure does
 * not matter.
 * @throws whatever the monitor throws.
 */
export function explore<M extends Plain>(first: Step, options: ExploreOptions<M>): Exploration {
  const { alphabet, monitor, edge, memoise = true } = options;
  const seen = new Set<string>();
  const ends = new Set<string>();
  const open: { step: Step; memory: M }[] = [];
  const push = (step: Step, memory: M): void => {
    if (memoise) {
      const key = `${step.at}\n${JSON.stringify(step.state)}\n${JSON.stringify(memory)}`;
      if (seen.has(key)) return;
      seen.add(key);
    }
    open.push({ step, memory });
  };
  let states = 0;
  let transitions = 0;
  push(first, monitor.initial);
  for (let next = open.pop(); next; next = open.pop()) {
    const { step, memory } = next;
    states++;
    if (step.do === 'end') {
      ends.add(`${step.result}: ${step.why}`);
      monitor.end(memory, step);
      continue;
    }
    for (const [input, to] of successors(step, alphabet)) {
      transitions++;
      edge?.(step, input, to);
      push(to, monitor.after(memory, step, input));
    }
  }
  return { states, transitions, ends };
}

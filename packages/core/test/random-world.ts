import { type Arrival, type Extent } from '@pci-recovery/core';
import fc from 'fast-check';
import { type Stage } from './scripted-platform.js';

/** What a handler does when it is called: a vote at once, promised, after a time, or none at all. */
export type Behaviour = { readonly kind: string; readonly vote: string; readonly ms: number };
/** What an operation does. */
export type Deed = { readonly kind: string; readonly ms: number };
export type Act =
  | {
      readonly ms: number;
      readonly do: 'submit';
      readonly fn: number;
      readonly abortAfter: number | null;
      readonly correctable: boolean;
    }
  | { readonly ms: number; readonly do: 'detach' | 'attach'; readonly fn: number }
  | { readonly ms: number; readonly do: 'exclusive'; readonly fn: number; readonly for: number };

/** Everything that is random about a run. */
export interface World {
  readonly functions: number;
  readonly scopes: readonly number[];
  readonly lanes: readonly number[];
  readonly order: 'fifo' | 'lifo';
  readonly law: Readonly<Record<Extent, Arrival>>;
  readonly stages: readonly Stage[];
  /** The law goes on whatever is answered. */
  readonly lenient: boolean;
  readonly behaviours: readonly Behaviour[];
  readonly deeds: readonly Deed[];
  readonly acts: readonly Act[];
  readonly mostQueued: number;
  readonly end: { readonly ms: number; readonly how: 'close' | 'abort' };
}

const functionNumber = fc.integer({ min: 1, max: 6 });
const ms = fc.integer({ min: 0, max: 60 });
const callback = fc.constantFrom('errorDetected', 'mmioEnabled', 'slotReset', 'resetDone', 'resume');
const arrival = fc.constantFrom<Arrival>('fold', 'queue', 'queue_and_purge');
const stage: fc.Arbitrary<Stage> = fc.oneof(
  fc.record({ notify: callback as fc.Arbitrary<'resume'>, stoppable: fc.boolean() }),
  fc.record({ wait: fc.constant('wait'), stoppable: fc.boolean() }),
  fc.record({ change: fc.constant('change'), stoppable: fc.boolean() }),
);
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      ms,
      do: fc.constant('submit' as const),
      fn: functionNumber,
      abortAfter: fc.option(fc.integer({ min: 0, max: 40 }), { freq: 3 }),
      correctable: fc.integer({ min: 0, max: 7 }).map((n) => n === 0),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ ms, do: fc.constantFrom('detach' as const, 'attach' as const), fn: functionNumber }),
  },
  { weight: 1, arbitrary: fc.record({ ms, do: fc.constant('exclusive' as const), fn: functionNumber, for: ms }) },
);

export const worlds: fc.Arbitrary<World> = fc.record({
  functions: functionNumber,
  // Bit n-1: function n belongs to the scope of the one that detects.
  scopes: fc.array(fc.integer({ min: 0, max: 63 }), { minLength: 6, maxLength: 6 }),
  lanes: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 6, maxLength: 6 }),
  order: fc.constantFrom('fifo', 'lifo'),
  law: fc.record({ same: arrival, inside: arrival, wider: arrival, crossing: arrival, disjoint: arrival }),
  stages: fc.array(stage, { maxLength: 5 }),
  lenient: fc.boolean(),
  behaviours: fc.array(
    fc.record({
      kind: fc.constantFrom(
        'vote',
        'vote',
        'promise',
        'slow',
        'throw',
        'reject',
        'hang',
        'nonsense',
        'detach',
        'submit',
      ),
      vote: fc.constantFrom('none', 'can_recover', 'need_reset', 'recovered', 'disconnect'),
      ms,
    }),
    { minLength: 1, maxLength: 12 },
  ),
  deeds: fc.array(
    fc.record({
      kind: fc.constantFrom(
        'ok',
        'ok',
        'slow',
        'heeds',
        'fail',
        'throw',
        'reject',
        'nonsense',
        'replug',
        'unplug',
        'never',
      ),
      ms,
    }),
    { minLength: 1, maxLength: 8 },
  ),
  acts: fc.array(act, { minLength: 1, maxLength: 14 }),
  mostQueued: fc.integer({ min: 1, max: 6 }),
  end: fc.record({ ms: fc.integer({ min: 0, max: 150 }), how: fc.constantFrom('close', 'abort') }),
});

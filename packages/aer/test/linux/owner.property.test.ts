import { parseBdf, type Bdf, type ErsResult, type RecoveryOutcome } from '@pci-recovery/core';
import fc from 'fast-check';
import { Bench, type Votes } from './host/bench.js';
import { AT, IN_USE } from './host/config-image.js';
import { type KernelRecovery } from './host/kernel.js';

/** What happens on a host, at what time (milliseconds). */
interface Happening {
  readonly at: number;
  readonly what: 'nonfatal' | 'fatal' | 'loopback' | 'lost_uevents' | 'uncounted';
  readonly whose: string;
}

interface World {
  readonly happenings: readonly Happening[];
  readonly sibling: 'vfio' | 'need_reset' | 'none' | 'disconnect';
  readonly vote: ErsResult;
  readonly trace: boolean;
  readonly lateness: {
    readonly eventfd: readonly number[];
    readonly uevent: readonly number[];
    readonly trace: readonly number[];
  };
  readonly reset: number;
  readonly failingResets: number;
}

const WHOSE = ['01:00.0', '01:00.1', '00:06.0', '05:00.0', '06:00.0', '03:00.0', '00:08.0'];

const lateness = fc.array(fc.constantFrom(0, 1, 7, 60, 300), { minLength: 1, maxLength: 5 });
const happening: fc.Arbitrary<Happening> = fc.record({
  at: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 1_500 })),
  what: fc.oneof<fc.WeightedArbitrary<Happening['what']>[]>(
    { weight: 6, arbitrary: fc.constantFrom('nonfatal', 'fatal') },
    { weight: 1, arbitrary: fc.constantFrom('loopback', 'lost_uevents', 'uncounted') },
  ),
  whose: fc.constantFrom(...WHOSE),
});

const world: fc.Arbitrary<World> = fc.record({
  happenings: fc.array(happening, { minLength: 1, maxLength: 5 }),
  sibling: fc.constantFrom('vfio', 'vfio', 'vfio', 'need_reset', 'none', 'disconnect'),
  vote: fc.constantFrom('can_recover', 'can_recover', 'need_reset', 'recovered', 'none', 'disconnect'),
  trace: fc.boolean(),
  lateness: fc.record({ eventfd: lateness, uevent: lateness, trace: lateness }),
  reset: fc.constantFrom(2, 140, 900),
  failingResets: fc.constantFrom(0, 0, 0, 1),
});

/** Takes values in turn. */
function turns(values: readonly number[]): () => number {
  let next = 0;
  return () => values[next++ % values.length]!;
}

async function live({ happenings, sibling, vote, trace, lateness, reset, failingResets }: World): Promise<Bench> {
  const bench = new Bench({
    trace,
    drivers: { '01:00.1': sibling },
    delays: {
      eventfd: turns(lateness.eventfd),
      uevent: turns(lateness.uevent),
      trace: turns(lateness.trace),
      reset: () => reset,
    },
  });
  bench.kernel.failingResets = failingResets;
  const votes: Votes = { errorDetected: vote };
  const held = ['01:00.0', ...(sibling === 'vfio' ? ['01:00.1'] : []), '05:00.0', '06:00.0'];
  await bench.start(Object.fromEntries(held.map((bdf) => [bdf, votes])));
  for (const one of happenings) bench.clock.after(one.at, () => happen(bench, one));
  await bench.settle();
  return bench;
}

function happen(bench: Bench, { what, whose }: Happening): void {
  if (what === 'nonfatal' || what === 'fatal') void bench.kernel.error(whose, what);
  else if (what === 'loopback') bench.ports.get(whose)?.signal();
  else if (what === 'uncounted')
    bench.machine.attributes.set('aer_dev_fatal', undefined).set('aer_dev_nonfatal', undefined);
  else {
    bench.kernel.uevents.lose = () => true;
    bench.clock.after(100, () => {
      bench.kernel.uevents.lose = () => false;
      bench.kernel.uevents.send({ kind: 'lost', count: undefined });
    });
  }
}

type Expect = (holds: boolean, rule: string) => void;

const heldIn = (bench: Bench, { functions }: KernelRecovery): Bdf[] =>
  functions.filter((bdf) => bench.holds.has(bdf.slice(5)));
const memberOf = (outcome: RecoveryOutcome, bdf: Bdf): boolean => outcome.scope.members.some((one) => one.bdf === bdf);

/** The recoveries of ours in which a function was when the kernel was done with it. */
const covering = (bench: Bench, bdf: Bdf, { begin, done }: KernelRecovery): RecoveryOutcome[] =>
  bench.outcomes.filter(
    (outcome) =>
      outcome.recovery > 0 &&
      memberOf(outcome, bdf) &&
      outcome.endedAt >= done.get(bdf)! &&
      (outcome.event.monotonic <= done.get(bdf)! || outcome.event.monotonic - begin <= 3e9),
  );

/** The rules that a run broke. */
function broken(bench: Bench): string[] {
  const wrong: string[] = [];
  const expect = (holds: boolean, rule: string): void => void (holds || wrong.push(rule));
  const deeds = [...bench.ports.values()].flatMap((port) => port.deeds);
  expect(
    !deeds.some(({ duringRecovery }) => duringRecovery),
    'nothing is touched while the host is known to recover (R3.5)',
  );
  const received = bench.events.filter(({ type }) => type === 'received').length;
  expect(received === bench.outcomes.length, 'every event has an end');
  expect(bench.clock.pending === 0, 'nothing is left waiting');
  for (const one of bench.kernel.recoveries) for (const bdf of heldIn(bench, one)) checkCover(bench, bdf, one, expect);
  for (const outcome of bench.outcomes) checkOutcome(outcome, expect);
  for (const bdf of bench.holds.keys()) checkDevice(bench, bdf, expect);
  return wrong;
}

function checkCover(bench: Bench, bdf: Bdf, one: KernelRecovery, expect: Expect): void {
  const whom = `${bdf} in the ${one.severity} error of ${one.source} at ${one.begin / 1e6}`;
  const cover = covering(bench, bdf, one);
  expect(cover.length > 0, `no error is lost: ${whom}`);
  const isLost = cover.some(({ usable }) => !usable.some((device) => device.bdf === bdf));
  // With uevents lost, a later recovery that succeeded may be the only one that was heard of: then it is the kernel's last word.
  const isMended = bench.kernel.recoveries.some(
    (later) =>
      later.begin > one.begin && later.result === 'recovered' && later.busy.size === 0 && later.functions.includes(bdf),
  );
  const isDeaf = bench.kernel.uevents.lost > 0;
  expect(one.result !== 'failed' || isLost || (isMended && isDeaf), `given back after the host gave up: ${whom}`);
}

function checkOutcome({ trace, event }: RecoveryOutcome, expect: Expect): void {
  const done = trace.flatMap((entry) => (entry.what === 'operated' ? [entry] : []));
  const hostReset = done.some(({ at, result }) => at === 'await_host' && result.ok && result.value === 'reset');
  expect(
    !hostReset || !done.some(({ at }) => at === 'hot_reset'),
    `${event.sequence}: a second reset after the host's (R3.5)`,
  );
  const waits = done.filter(({ at }) => at === 'await_host');
  const told = trace.find(({ what }) => what === 'call');
  expect(
    waits.length === 0 || told === undefined || told.time <= waits[0]!.time,
    `${event.sequence}: told before it waits (R3.8)`,
  );
}

/** Whoever may use its device has it as it was, whatever reset it last. */
function checkDevice(bench: Bench, bdf: string, expect: Expect): void {
  const last = bench.outcomes.filter((outcome) => outcome.recovery > 0 && memberOf(outcome, parseBdf(bdf))).at(-1);
  const { view } = bench.machine.get(bdf);
  const usable = last === undefined || last.usable.some((device) => device.bdf === parseBdf(bdf));
  const whole =
    view.getUint16(AT.devctl, true) === IN_USE.devctl &&
    view.getUint16(0x04, true) === IN_USE.command &&
    view.getUint16(AT.msixControl, true) === IN_USE.msix;
  expect(!usable || whole, `${bdf} is usable and not restored after its last reset (R2.7)`);
}

const QUICK = { sibling: 'vfio', vote: 'can_recover', trace: false, reset: 2, failingResets: 0 } as const;
const at = (at: number, what: Happening['what'], whose: string): Happening => ({ at, what, whose });

/** Worlds that broke a rule once. */
const FOUND: [World][] = [
  // The second signal of a function is the host's failure, and no uevent tells of it.
  [
    {
      ...QUICK,
      sibling: 'none',
      happenings: [at(0, 'lost_uevents', '01:00.0'), at(0, 'nonfatal', '01:00.0')],
      lateness: { eventfd: [0], uevent: [0], trace: [0] },
    },
  ],
  // Nobody counts, and uevents were lost just before the signal.
  [
    {
      ...QUICK,
      happenings: [at(0, 'lost_uevents', '01:00.0'), at(0, 'uncounted', '01:00.0'), at(0, 'nonfatal', '01:00.0')],
      lateness: { eventfd: [300], uevent: [0], trace: [0] },
    },
  ],
  // An error is counted while the one before it ends.
  [
    {
      ...QUICK,
      happenings: [
        at(4, 'lost_uevents', '01:00.0'),
        at(0, 'nonfatal', '01:00.0'),
        at(9, 'nonfatal', '01:00.0'),
        at(0, 'fatal', '05:00.0'),
      ],
      lateness: { eventfd: [0], uevent: [7, 0, 0], trace: [0] },
    },
  ],
  // A failure, then an error whose end was lost.
  [
    {
      ...QUICK,
      failingResets: 1,
      happenings: [at(0, 'fatal', '01:00.0'), at(8, 'lost_uevents', '01:00.0'), at(0, 'nonfatal', '01:00.0')],
      lateness: { eventfd: [0], uevent: [300], trace: [0] },
    },
  ],
];

it('whatever the order of arrival: nothing is lost, nothing races the host, nothing hangs, nothing is given back unrestored', async () => {
  await fc.assert(
    fc.asyncProperty(world, async (one) => {
      const bench = await live(one);
      const rules = broken(bench);
      await bench.close();
      if (rules.length > 0) throw new Error(`${rules.join('\n')}\n${bench.results.join('\n')}`);
    }),
    { numRuns: Number(process.env['RUNS'] ?? 150), examples: FOUND },
  );
}, 300_000);

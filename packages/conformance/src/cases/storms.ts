import { wait } from '@pci-recovery/core';
import { type Bench } from '../bench/bench.js';
import { holds, same } from '../failure.js';
import { type CaseContext, type ConformanceCase } from './case.js';
import { allAccounted, resetsAreWhole } from './observation.js';

const BURST = 200;
const TRICKLE = 30;

/** Injects errors and remembers how many events there were at each. */
class Storm {
  readonly #bench: Bench;
  readonly #incident: string;
  readonly #last = new Map<string, number>();
  count = 0;

  constructor(bench: Bench, context: CaseContext) {
    this.#bench = bench;
    this.#incident = context.recovering[0]!;
  }

  strike(): void {
    const at = this.count++ % 2 === 0 ? 'a' : 'b';
    this.#last.set(at, this.#bench.received.length);
    this.#bench.subject.inject(this.#incident, at);
  }

  /** Requires that what was injected was reported as the law says. */
  reported(how: 'each' | 'coalesced' | 'counted', what: string): void {
    const { received } = this.#bench;
    if (how === 'each') same(received.length, this.count, `${what}: every error is an event.`);
    if (how === 'counted') holds(received.length > 0, `${what}: there is an event.`);
    if (how !== 'coalesced') return;
    for (const [at, before] of this.#last) {
      const after = received.slice(before).some(({ device }) => this.#bench.nameOf(device.bdf) === at);
      holds(after, `${what}: the last error at "${at}" is followed by an event.`);
    }
  }
}

/** Level 3: many errors at a time. */
export const STORM_CASES: readonly ConformanceCase[] = [
  {
    id: 'storm.burst',
    title: `of ${BURST} errors at one moment none is lost, and each has an outcome`,
    level: 3,
    demands: ['R3.7'],
    requires: ['layout:two', 'sees:reset'],
    async run(context) {
      const bench = await context.open({ layout: context.two });
      const storm = new Storm(bench, context);
      while (storm.count < BURST) storm.strike();
      await bench.calm();
      storm.reported(context.profile.reports.burst, `${BURST} errors at one moment`);
      allAccounted(bench);
      resetsAreWhole(bench);
    },
  },
  {
    id: 'storm.during-recoveries',
    title: 'errors that come one by one during recoveries are none of them lost, and each has an outcome',
    level: 3,
    demands: ['R2.3', 'R3.7'],
    requires: ['layout:two', 'sees:reset'],
    async run(context) {
      const bench = await context.open({ layout: context.two });
      const storm = new Storm(bench, context);
      bench.interlude = async () => {
        if (storm.count < TRICKLE) storm.strike();
        await wait(bench.subject.clock, 10);
      };
      storm.strike();
      await bench.calm();
      storm.reported(context.profile.reports.recovering, `${storm.count} errors during recoveries`);
      allAccounted(bench);
      resetsAreWhole(bench);
    },
  },
  {
    id: 'storm.queue-is-bounded',
    title: 'when more errors wait than the engine allows, the further ones fail closed and are reported',
    level: 3,
    demands: ['R2.3'],
    requires: ['layout:two'],
    async run(context) {
      const bench = await context.open({ layout: context.two, settings: { mostQueued: 4 } });
      const storm = new Storm(bench, context);
      bench.interlude = async () => {
        for (; storm.count < TRICKLE; await wait(bench.subject.clock, 1)) storm.strike();
      };
      storm.strike();
      await bench.calm();
      allAccounted(bench);
      const overflowed = bench.happened.flatMap((event) => (event.type === 'overflowed' ? [event.event.sequence] : []));
      const queues = context.profile.arrivals.law.same !== 'fold' && context.profile.reports.recovering === 'each';
      if (queues) holds(overflowed.length > 0, 'More errors wait than may: that is reported.');
      const lost = bench.outcomes.filter(({ event }) => overflowed.includes(event.sequence));
      holds(
        lost.every(({ result, usable }) => result === 'disconnected' && usable.length === 0),
        'An error that could not wait fails closed.',
      );
    },
  },
];

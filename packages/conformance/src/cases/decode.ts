import { holds, same } from '../failure.js';
import { QUIET_MS } from '../bench/bench.js';
import { type ConformanceCase } from './case.js';
import { detectorsOf } from './law.js';

const PLAIN = (key: string, value: unknown): unknown =>
  value instanceof Uint8Array ? [...value] : typeof value === 'bigint' ? String(value) : value;

/** Level 1: what the hardware reported, as events. */
export const DECODE_CASES: readonly ConformanceCase[] = [
  {
    id: 'decode.severity-and-device',
    title: 'every incident at every function is one event with its severity and its detecting function',
    level: 1,
    demands: ['R3.1', 'R2.1'],
    requires: ['layout:two'],
    async run(context) {
      const { incidents, layouts } = context.profile;
      for (const [incident, law] of Object.entries(incidents)) {
        for (const at of detectorsOf(layouts[context.two]!, law)) {
          const bench = await context.open({ layout: context.two });
          await bench.recover(incident, at);
          const seen = bench.received.map(({ severity, device }) => [severity, bench.nameOf(device.bdf)]);
          same(seen, [[law.severity, at]], `A "${incident}" error at "${at}" is one event.`);
          await context.closeAll();
        }
      }
    },
  },
  {
    id: 'decode.generation',
    title: 'an event names its function in the generation that the scope has',
    level: 1,
    demands: [],
    requires: ['layout:two'],
    async run(context) {
      const bench = await context.open({ layout: context.two });
      const { event, scope } = await bench.recover(context.recovering[0]!, 'b');
      const member = scope.members.find(({ bdf }) => bdf === event.device.bdf);
      same(member?.generation, event.device.generation, 'Event and scope agree on the generation.');
    },
  },
  {
    id: 'decode.sequence-and-times',
    title: 'events are counted from 0, and their times are when they were seen and never go back',
    level: 1,
    demands: [],
    requires: ['layout:single'],
    async run(context) {
      const bench = await context.open({ layout: 'single' });
      const { clock } = bench.subject;
      for (let count = 0; count < 3; count++) {
        await bench.pass(1234);
        const before = [clock.monotonic(), clock.wall()] as const;
        const { event } = await bench.recover(context.recovering[0]!, 'a');
        same(event.sequence, count, 'Events are counted from 0.');
        const late = event.monotonic < before[0] || event.monotonic > clock.monotonic();
        holds(!late, 'An event’s monotonic time lies between the error and now.');
        holds(event.wall >= before[1] && event.wall <= clock.wall(), 'So does its wall time.');
      }
    },
  },
  {
    id: 'decode.raw-bytes',
    title: 'an event carries the bytes that it was decoded from',
    level: 1,
    demands: ['R4.7', 'R2.1'],
    requires: ['layout:single', 'law:raw'],
    async run(context) {
      const bench = await context.open({ layout: 'single' });
      const { event } = await bench.recover(context.recovering[0]!, 'a');
      holds(event.raw instanceof Uint8Array && event.raw.length > 0, 'An event has its raw bytes.');
    },
  },
  {
    id: 'decode.record-survives-json',
    title: 'a decoded record can be written down as JSON',
    level: 1,
    demands: ['R3.1'],
    requires: ['layout:single'],
    async run(context) {
      for (const incident of Object.keys(context.profile.incidents)) {
        const bench = await context.open({ layout: 'single' });
        const { event } = await bench.recover(incident, 'a');
        const text = JSON.stringify(event.record, PLAIN);
        holds(typeof text === 'string' && text.length > 2, `The record of a "${incident}" error says something.`);
        await context.closeAll();
      }
    },
  },
  {
    id: 'decode.no-event-without-error',
    title: 'a healthy machine reports nothing for an hour',
    level: 1,
    demands: [],
    requires: ['layout:two'],
    async run(context) {
      const bench = await context.open({ layout: context.two });
      await bench.pass(3_600_000);
      same([bench.received.length, bench.resets().length], [0, 0], 'No errors, no events, no resets.');
    },
  },
  {
    id: 'decode.garbage',
    title: 'reports that make no sense throw nothing and reset nothing, and the next real error is seen',
    level: 1,
    demands: ['R2.1'],
    requires: ['layout:single', 'garble'],
    async run(context) {
      const bench = await context.open({ layout: 'single' });
      for (let seed = 0; seed < 100; seed++) {
        bench.subject.garble!(seed);
        await bench.settle();
      }
      await bench.pass(QUIET_MS);
      same(bench.resets(), [], 'Garbage resets nothing.');
      same(bench.journal.entries, [], 'Garbage calls no driver.');
      same(bench.received.length, bench.outcomes.length, 'Every report that became an event has an outcome.');
      same((await bench.recover(context.recovering[0]!, 'a')).result, 'recovered', 'A real error is still recovered.');
    },
  },
  {
    id: 'decode.function-that-left',
    title: 'an error of a function that is gone by now comes to an end, and the next one is recovered',
    level: 1,
    demands: ['R2.2'],
    requires: ['layout:two', 'unplug'],
    async run(context) {
      const bench = await context.open({ layout: context.two });
      bench.subject.inject(context.recovering[0]!, 'a');
      bench.subject.unplug!('a');
      await bench.pass(QUIET_MS);
      same(bench.received.length, bench.outcomes.length, 'Every event has an outcome.');
      const handed = bench.outcomes.flatMap(({ usable }) => bench.sorted(usable));
      holds(!handed.includes('a'), 'A function that has left is not handed back.');
      const next = await bench.recover(context.recovering[0]!, 'b');
      same(bench.sorted(next.usable), ['b'], 'The function that is still there is recovered.');
    },
  },
];

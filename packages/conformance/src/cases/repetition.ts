import { same } from '../failure.js';
import { type RepetitionLimit } from '../profile.js';
import { type CaseContext, type ConformanceCase } from './case.js';

const NS_PER_MS = 1e6;

/** Whether the last of these times (milliseconds) is one too many, given that none before was. */
export function isTooMany(times: readonly number[], { count, windowMs, window }: RepetitionLimit): boolean {
  const last = times.at(-1)!;
  if (window === 'sliding') return times.filter((time) => last - time <= windowMs).length >= count;
  let [begin, number] = [times[0]!, 0];
  for (const time of times) {
    if (time - begin > windowMs) [begin, number] = [time, 0];
    number++;
  }
  return number >= count;
}

/** Recovers at these times, as shares of the window, until the law fails one. */
async function recoverAt(context: CaseContext, shares: readonly number[]): Promise<void> {
  const limit = context.profile.repetitionLimit!;
  const bench = await context.open({ layout: 'single' });
  const now = (): number => bench.subject.clock.monotonic() / NS_PER_MS;
  const times: number[] = [];
  for (const share of shares) {
    const due = share * limit.windowMs - now();
    if (due > 0) await bench.pass(due);
    times.push(now());
    const law = isTooMany(times, limit) ? 'disconnected' : 'recovered';
    const { result } = await bench.recover(context.recovering[0]!, 'a');
    const hours = times.map((time) => (time / limit.windowMs).toFixed(2)).join(', ');
    same(result, law, `Errors at ${hours} windows: how the last one ends.`);
    if (law === 'disconnected') break;
  }
  await context.closeAll();
}

/** Level 2: scopes that fail again and again. */
export const REPETITION_CASES: readonly ConformanceCase[] = [
  {
    id: 'failure.repetition-limit',
    title: 'a scope that fails too often is given up, exactly at the law’s limit',
    level: 2,
    demands: ['R4.10'],
    requires: ['layout:single', 'law:repetition-limit'],
    async run(context) {
      const { count, windowMs } = context.profile.repetitionLimit!;
      const incident = context.recovering[0]!;
      const bench = await context.open({ layout: 'single' });
      for (let number = 1; number < count; number++) {
        const { result } = await bench.recover(incident, 'a');
        same(result, 'recovered', `Recovery ${number} of ${count} is still allowed.`);
      }
      same((await bench.recover(incident, 'a')).result, 'disconnected', `Recovery ${count} is one too many.`);
      await context.closeAll();
      const patient = await context.open({ layout: 'single' });
      for (let number = 1; number <= count + 1; number++) {
        const { result } = await patient.recover(incident, 'a');
        same(result, 'recovered', `Recovery ${number} is allowed when the window has passed since the last.`);
        await patient.pass(windowMs);
      }
    },
  },
  {
    id: 'failure.repetition-window',
    title: 'the window in which failures are counted begins, and ends, as the law says',
    level: 2,
    demands: ['R4.10'],
    requires: ['layout:single', 'law:repetition-limit'],
    async run(context) {
      const { count } = context.profile.repetitionLimit!;
      const most = Array.from({ length: count - 2 }, () => 0.8);
      // One early, all but one of the others late, and more when the first is a window ago.
      await recoverAt(context, [0, ...most, ...Array.from({ length: count }, () => 1.1)]);
      // At a steady pace, so slow that no window ever holds too many, and never a whole window apart.
      await recoverAt(
        context,
        Array.from({ length: 2 * count }, (_, index) => 0.9 * index),
      );
    },
  },
];

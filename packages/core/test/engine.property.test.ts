import { type RecoveryOutcome } from '@pci-recovery/core';
import fc from 'fast-check';
import { live, type Seen } from './live-world.js';
import { worlds, type World } from './random-world.js';

const key = ({ bdf, generation }: { bdf: string; generation: number }): string => `${bdf}#${generation}`;

/** One thing after the other; answers who failed. */
function checkOrder(trace: RecoveryOutcome['trace'], expect: (holds: boolean, what: string) => void): Set<string> {
  const faulted = new Set<string>();
  let calling: string | undefined;
  let changing = false;
  for (const entry of trace) {
    if (entry.what === 'call') {
      expect(calling === undefined && !changing, 'one thing after the other');
      expect(!faulted.has(entry.device.bdf), 'nobody is called again whose callback has failed');
      calling = key(entry.device);
    } else if (entry.what === 'answer') {
      expect(calling === undefined || calling === key(entry.answer), 'whoever was called answers');
      calling = undefined;
      if (entry.answer.gave === 'fault' && entry.answer.why !== 'stopped') faulted.add(entry.answer.bdf);
    } else if (entry.what === 'operate') changing = entry.operation.nature === 'change';
    else if (entry.what === 'operated') changing = false;
    else if (entry.what === 'end') expect(!changing && calling === undefined, 'nothing is left half done');
  }
  return faulted;
}

/** What holds of every outcome, whatever happened. */
function checkOutcome({ recovery, trace, usable, scope, result, event, ...outcome }: RecoveryOutcome): string[] {
  const wrong: string[] = [];
  const expect = (holds: boolean, what: string): void => void (holds || wrong.push(`${event.sequence}: ${what}`));
  if (recovery === 0) {
    expect(trace.length === 0, 'no recovery, but a trace');
    expect(result === 'ignored' || (result === 'disconnected' && usable.length === 0), `no recovery, but ${result}`);
    return wrong;
  }
  const whats = trace.map(({ what }) => what);
  expect(whats[0] === 'begin' && whats.lastIndexOf('begin') === 0, 'one begin, in front');
  expect(whats.at(-1) === 'end' && whats.indexOf('end') === whats.length - 1, 'one end, at the end');
  expect(
    trace.every(({ time }, at) => time >= (trace[at - 1]?.time ?? outcome.startedAt)),
    'time goes on',
  );
  expect(outcome.endedAt === trace.at(-1)!.time, 'it ends with its trace');

  const members = new Set(scope.members.map(key));
  const faulted = checkOrder(trace, expect);
  expect(
    usable.every((one) => members.has(key(one)) && !faulted.has(one.bdf)),
    'usable: present, and never failed',
  );
  expect(result !== 'disconnected' || usable.length === 0, 'nothing of a failed recovery is usable');
  return wrong;
}

/** What holds of a whole run. */
function checkRun({ outcomes, events, violations, timersLeft }: Seen): string[] {
  const wrong = [...violations, ...outcomes.flatMap(checkOutcome)];
  const expect = (holds: boolean, what: string): void => void (holds || wrong.push(what));
  const count = (type: string): number => events.filter((event) => event.type === type).length;
  expect(timersLeft === 0, `${timersLeft} timers are left`);
  expect(count('received') === count('ended') && count('ended') === outcomes.length, 'every error ends once');
  expect(new Set(outcomes.map(({ event }) => event.sequence)).size === outcomes.length, 'each with its own outcome');
  const runs = outcomes.filter(({ recovery, foldedInto }) => recovery > 0 && foldedInto === undefined);
  expect(new Set(runs.map(({ recovery }) => recovery)).size === runs.length, 'one error is one recovery');
  for (const event of events) {
    if (event.type !== 'arrived') continue;
    const run = runs.find(({ recovery }) => recovery === event.recovery);
    const noted = run?.trace
      .filter(({ what }) => what === 'arrival')
      .map((entry) => 'sequence' in entry && entry.sequence);
    expect(noted?.includes(event.event.sequence) ?? false, `the arrival of ${event.event.sequence} is in the trace`);
    const outcome = outcomes.find((one) => one.event === event.event);
    expect((event.arrival === 'fold') === (outcome?.foldedInto !== undefined), 'folded when the law says so');
  }
  return wrong;
}

describe('whatever is submitted, voted, failed, plugged, aborted and closed, in whatever order,', () => {
  it('every error is settled, no function is held twice, nothing is left half done, and nobody failed is usable', async () => {
    let recoveries = 0;
    await fc.assert(
      fc.asyncProperty(worlds, async (world: World) => {
        const seen = await live(world);
        recoveries += seen.outcomes.filter(({ recovery }) => recovery > 0).length;
        expect(checkRun(seen)).toEqual([]);
      }),
      { numRuns: 400 },
    );
    // It would prove nothing if hardly anything happened.
    expect(recoveries).toBeGreaterThan(400);
  }, 120_000);
});

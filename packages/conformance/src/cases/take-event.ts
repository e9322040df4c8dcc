import { type ErrorEvent } from '@pci-recovery/core';
import { type Bench } from '../bench/bench.js';
import { holds } from '../failure.js';

/** One event of a platform, taken by hand. */
export async function takeEvent(bench: Bench, incident: string, at: string): Promise<ErrorEvent> {
  const stop = new AbortController();
  const events = bench.subject.platform.events({ signal: stop.signal })[Symbol.asyncIterator]();
  const next = events.next();
  await bench.settle();
  bench.subject.inject(incident, at);
  const { value } = (await bench.drive(next, 'The error is reported.')) as IteratorResult<ErrorEvent, unknown>;
  holds(value !== undefined, 'events() goes on until it is aborted.');
  stop.abort();
  await bench.drive(Promise.resolve(events.return?.()), 'events() ends.');
  return value as ErrorEvent;
}

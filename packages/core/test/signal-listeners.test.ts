import { getEventListeners } from 'node:events';
import { createEngine, parseBdf, type ErrorEvent, type RecoveryPlatform } from '@pci-recovery/core';

it('a caller’s long-lived signal keeps no listener of a submission that has ended', async () => {
  const device = { bdf: parseBdf('01:00.0'), generation: 0 };
  const platform: RecoveryPlatform = {
    name: 'toy',
    capabilities: {},
    procedure: {
      order: 'fifo',
      lane: () => 'only',
      arrival: () => 'queue',
      begin: () => ({ do: 'end', at: 'end', state: null, result: 'recovered', why: 'Nothing to do.', usable: [] }),
    },
    events: async function* () {},
    survey: async () => [],
    scopeOf: () => ({ id: 'scope', members: [], capabilities: {} }),
    perform: () => ({ ok: true }),
    [Symbol.asyncDispose]: async () => undefined,
  };
  const event: ErrorEvent = {
    platform: 'toy',
    sequence: 0,
    monotonic: 0,
    wall: 0,
    severity: 'fatal',
    device,
    record: null,
  };
  const engine = createEngine({ platforms: [platform] });
  const { signal } = new AbortController();
  for (let count = 0; count < 3; count++) await engine.submit(event, { signal });
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

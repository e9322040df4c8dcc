import {
  type ErsResult,
  type PciErrorHandlers,
  createEngine,
  parseBdf,
  type ErrorEvent,
  type RecoveryPlatform,
  type RecoveryScope,
  type Step,
} from '@pci-recovery/core';

const bdf = parseBdf('0000:01:00.0');
const device = { bdf, generation: 0 };
const scope: RecoveryScope = {
  id: 's',
  members: [{ ...device, bridge: false, channel: 'normal', driver: false, handles: new Set() }],
  capabilities: {},
};
const end = (result: 'recovered' | 'disconnected'): Step => ({
  do: 'end',
  at: 'end',
  state: null,
  result,
  why: 'done',
  usable: [device],
});
const platform = {
  name: 'toy',
  capabilities: {},
  procedure: {
    order: 'fifo' as const,
    lane: () => 'x',
    arrival: () => 'queue' as const,
    begin: (): Step => ({
      do: 'notify',
      at: 'a',
      state: null,
      callback: 'errorDetected',
      channel: 'frozen',
      to: [device],
      then: ([answer]) => ({
        do: 'operate',
        at: 'b',
        state: null,
        operation: { name: 'reset', nature: 'change' },
        then: (r) => end(r.ok && answer?.gave === 'vote' ? 'recovered' : 'disconnected'),
      }),
    }),
  },
  async *events() {},
  survey: async () => [],
  scopeOf: () => scope,
  perform: () => ({ ok: true }),
  async [Symbol.asyncDispose]() {},
} satisfies RecoveryPlatform;
const event: ErrorEvent = {
  platform: 'toy',
  sequence: 0,
  monotonic: 0,
  wall: 0,
  severity: 'fatal',
  device,
  record: {},
};

it('runs a recovery to its end', async () => {
  const engine = createEngine({ platforms: [platform] });
  const handlers: PciErrorHandlers = { errorDetected: async (): Promise<ErsResult> => 'need_reset' };
  engine.attach(bdf, handlers);
  const outcomes = await Promise.all([engine.submit(event), engine.submit(event)]);
  expect(outcomes.map((o) => o.result)).toEqual(['recovered', 'recovered']);
  await engine.close();
});

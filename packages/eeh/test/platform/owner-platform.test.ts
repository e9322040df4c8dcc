import { createEngine, KernelPolicy, wait, type RecoveryOutcome } from '@pci-recovery/core';
import {
  EehOwnerPlatform,
  ERRNO,
  VFIO_EEH_PE as OP,
  VFIO_EEH_PE_STATE as STATE,
  type EehOwnerPort,
  type OwnedPe,
} from '../../src/index.js';
import { A, B, CARD, driver, factsOf, host, LOOKING, NEEDY, type Host, type Machine, type Votes } from './host.js';

const drive = <T>({ clock }: Host, promise: Promise<T>): Promise<T> => clock.drive(promise);

describe('an owner that asks for the state (nothing signals it)', () => {
  interface Owner extends Host {
    readonly owner: EehOwnerPlatform;
    readonly outcomes: readonly RecoveryOutcome[];
    readonly calls: readonly string[];
    ended(count: number): Promise<readonly RecoveryOutcome[]>;
    close(): Promise<void>;
  }

  async function owned(
    votes: Readonly<Record<string, Votes>>,
    pe: Partial<OwnedPe> = {},
    before: (here: Host) => Promise<unknown> = ({ platform }) => platform.open(A),
    machine: Machine = CARD,
  ): Promise<Owner> {
    const here = host(machine);
    await drive(here, before(here));
    const port: EehOwnerPort = {
      owned: [
        {
          name: 'group 0',
          functions: [A, B],
          operate: (op, injection) => here.platform.peOperation(A, op, injection),
          ...pe,
        },
      ],
    };
    const owner = new EehOwnerPlatform(port, here.clock);
    const engine = createEngine({ platforms: [owner], clock: here.clock, policy: new KernelPolicy() });
    const outcomes: RecoveryOutcome[] = [];
    const calls: string[] = [];
    let wake = (): void => undefined;
    engine.observe((event) => {
      if (event.type === 'ended') outcomes.push(event.outcome);
      wake();
    });
    for (const [bdf, given] of Object.entries(votes)) engine.attach(bdf as typeof A, driver(bdf, given, calls));
    await drive(here, engine.start());
    const ended = async (count: number) => {
      const reached = async (): Promise<void> => {
        while (outcomes.length < count) await new Promise<void>((resolve) => (wake = resolve));
      };
      await drive(here, reached());
      return outcomes;
    };
    return { ...here, owner, outcomes, calls, ended, close: () => drive(here, engine.close()) };
  }

  it('finds a freeze within a second, looks at the device, and thaws MMIO, then DMA', async () => {
    const here = await owned({ [A]: LOOKING, [B]: LOOKING });
    here.clock.advance(5500);
    const frozenAt = here.clock.monotonic();
    here.hardware.freeze(A);
    const [outcome] = await here.ended(1);
    expect(outcome!.event.monotonic - frozenAt).toBeLessThanOrEqual(1e9);
    expect(outcome!.result).toBe('recovered');
    expect(factsOf(here.hardware, 'thawed').map(({ what }) => what)).toEqual(['mmio', 'dma']);
    expect(factsOf(here.hardware, 'reset_begin')).toEqual([]);
    await here.close();
    expect(here.clock.pending).toBe(0);
  });

  it('resets the PE when a listener needs it, once, and is left with a thawed one', async () => {
    const here = await owned({ [A]: NEEDY, [B]: LOOKING }, { needsFundamentalReset: true });
    here.hardware.freeze(A);
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('recovered');
    expect(factsOf(here.hardware, 'reset_end').map(({ reset }) => reset)).toEqual(['fundamental']);
    expect(here.hardware.frozen(A)).toEqual({ mmio: false, dma: false });
    expect(here.calls.slice(2, 4)).toEqual([`slotReset ${A}`, `slotReset ${B}`]);
    await here.close();
  });

  it('resets anew a PE that another owner left in reset, also when its listeners would only look', async () => {
    const leave = async ({ platform }: Host): Promise<void> => {
      await platform.open(A);
      await platform.peOperation(A, OP.RESET_HOT);
    };
    const here = await owned({ [A]: LOOKING, [B]: LOOKING }, {}, leave, { ...CARD, firmware: 'rtas' });
    const [outcome] = await here.ended(1);
    expect([outcome!.result, outcome!.event.record]).toMatchObject(['recovered', { state: STATE.RESET }]);
    expect(here.hardware.answers(A)).toBe(true);
    expect(factsOf(here.hardware, 'reset_end')).toHaveLength(1);
    expect(here.calls.slice(2)).toEqual([`slotReset ${A}`, `slotReset ${B}`, `resume ${A}`, `resume ${B}`]);
    await here.close();
  });

  it('without listener gives up (R1.3)', async () => {
    const here = await owned({ [A]: LOOKING });
    here.hardware.freeze(A);
    expect((await here.ended(1))[0]!.result).toBe('disconnected');
    await here.close();
  });

  it('reports a freeze once, and the next one again', async () => {
    const here = await owned({ [A]: LOOKING, [B]: LOOKING });
    for (const count of [1, 2]) {
      here.hardware.freeze(A);
      expect(await drive(here, here.owner.check(A))).toBe(true);
      expect((await here.ended(count))[count - 1]!.result).toBe('recovered');
    }
    expect(await drive(here, here.owner.check(A))).toBe(false);
    await here.close();
    expect(here.outcomes).toHaveLength(2);
  });

  it('reports one that was lost no more, but again when it was let go and is held anew', async () => {
    const here = await owned({});
    const pe: OwnedPe = { name: 'group 1', functions: [A], operate: () => STATE.STOPPED };
    const held: OwnedPe[] = [pe];
    const owner = new EehOwnerPlatform({ owned: held }, here.clock);
    const survey = () => owner.survey({ signal: new AbortController().signal });
    const [event] = await survey();
    owner.beforeCallback({ bdf: A }, 'errorDetected', 'perm_failure');
    expect(owner.scopeOf(event!).members).toMatchObject([{ channel: 'perm_failure' }]);
    expect(await survey()).toEqual([]);
    held.pop();
    expect(await survey()).toEqual([]);
    held.push(pe);
    expect(await survey()).toMatchObject([{ record: { name: 'group 1' } }]);
    expect(owner.scopeOf(event!).members).toMatchObject([{ channel: 'normal' }]);
    held.pop();
    expect(await owner.check(A)).toBe(false);
    await here.close();
  });

  it('goes on asking for PEs that come and go', async () => {
    const here = await owned({});
    const pe = (name: string): OwnedPe => ({ name, functions: [A], operate: () => STATE.STOPPED });
    const held: OwnedPe[] = [pe('group 1')];
    const owner = new EehOwnerPlatform({ owned: held }, here.clock);
    const stop = new AbortController();
    const names: string[] = [];
    const listening = (async () => {
      for await (const { record } of owner.events({ signal: stop.signal })) names.push(record.name);
    })();
    for (const next of ['', 'group 1', 'group 2']) {
      await drive(here, wait(here.clock, 1500));
      held.splice(0, 1, ...(next ? [pe(next)] : []));
    }
    await drive(here, wait(here.clock, 1500));
    stop.abort();
    await drive(here, listening);
    expect(names).toEqual(['group 1', 'group 1', 'group 2']);
    await here.close();
  });

  it('waits while the PE is unavailable, at most five minutes', async () => {
    let unavailable = true;
    const here = await owned({ [A]: LOOKING, [B]: LOOKING });
    const pe: OwnedPe = {
      name: 'group 1',
      functions: [A],
      operate: () => (unavailable ? STATE.UNAVAILABLE : STATE.STOPPED),
    };
    const owner = new EehOwnerPlatform({ owned: [pe] }, here.clock);
    const [event] = await owner.survey({ signal: new AbortController().signal });
    const context = { recovery: 1, scope: owner.scopeOf(event!), signal: new AbortController().signal };
    const operation = { name: 'await_available', nature: 'wait' } as const;
    expect(await drive(here, owner.perform(operation, context))).toMatchObject({ ok: false, why: 'timeout' });
    unavailable = false;
    expect(await drive(here, owner.perform(operation, context))).toEqual({ ok: true, value: STATE.STOPPED });
    await here.close();
  });

  it.each(['unfreeze_dma', 'reset_pe'])('%s is not done while the PE says that it is still stopped', async (name) => {
    const here = await owned({ [A]: LOOKING });
    let state: number = STATE.STOPPED;
    const pe: OwnedPe = { name: 'group 1', functions: [A], operate: (op) => (op === OP.GET_STATE ? state : 0) };
    const owner = new EehOwnerPlatform({ owned: [pe] }, here.clock);
    const [event] = await owner.survey({ signal: new AbortController().signal });
    const context = { recovery: 1, scope: owner.scopeOf(event!), signal: new AbortController().signal };
    const done = () => drive(here, owner.perform({ name, nature: 'change' }, context));
    expect(await done()).toMatchObject({ ok: false, why: 'failed' });
    state = STATE.UNAVAILABLE;
    here.clock.after(7000, () => void (state = STATE.NORMAL));
    expect(await done()).toMatchObject({ ok: true });
    await here.close();
  });

  it('where EEH is off (every operation ENODEV) reports nothing', async () => {
    const here = await owned({});
    const pe: OwnedPe = { name: 'group 1', functions: [A], operate: () => ERRNO.ENODEV };
    const owner = new EehOwnerPlatform({ owned: [pe] }, here.clock);
    expect(await owner.survey({ signal: new AbortController().signal })).toEqual([]);
    expect(await owner.check(A)).toBe(false);
    await here.close();
  });
});

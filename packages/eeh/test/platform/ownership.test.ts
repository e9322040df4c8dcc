import { createEngine, KernelPolicy, type RecoveryOutcome } from '@pci-recovery/core';
import {
  EehOwnerPlatform,
  ERRNO,
  VFIO_EEH_PE as OP,
  VFIO_EEH_PE_STATE as STATE,
  type EehOwnerPort,
  type OwnedPe,
} from '../../src/index.js';
import { A, B, CARD, driver, factsOf, FLAVOURS, host, LOOKING, NEEDY, running, type Host, type Votes } from './host.js';
import { A0, LEFT, RIGHT, single, SWITCH, UP } from './machines.js';

const drive = <T>({ clock }: Host, promise: Promise<T>): Promise<T> => clock.drive(promise);

describe('a PE changes hands (eeh_dev_open, eeh_dev_release)', () => {
  it.each(FLAVOURS)('on %s it is thawed when it is opened and when it is let go', async (firmware) => {
    const here = host({ ...single(), firmware });
    here.hardware.freeze(A0);
    expect(await drive(here, here.platform.open(A0))).toBe(0);
    expect(here.hardware.frozen(A0)).toEqual({ mmio: false, dma: false });
    here.hardware.freeze(A0);
    await drive(here, here.platform.release(A0));
    expect(here.hardware.frozen(A0)).toEqual({ mmio: false, dma: false });
  });

  it('three adapters are reset instead, and keep the registers that they had (eeh_pe_reset_and_recover)', async () => {
    const here = host(single({ vendorId: 0x10df, deviceId: 0xe220 }));
    here.hardware.writeConfig(A0, 0x04, 2, 0x0406);
    here.hardware.writeConfig(A0, 0x0c, 1, 0x20);
    here.hardware.freeze(A0);
    expect(await drive(here, here.platform.open(A0))).toBe(0);
    expect(factsOf(here.hardware, 'reset_end')).toHaveLength(1);
    expect(here.hardware.frozen(A0)).toEqual({ mmio: false, dma: false });
    expect([here.hardware.readConfig(A0, 0x04, 2), here.hardware.readConfig(A0, 0x0c, 1)]).toEqual([0x0406, 0x20]);
  });

  it('nobody opens what has no PE', async () => {
    const here = host(single());
    here.hardware.remove(A0);
    expect(await drive(here, here.platform.open(A0))).toBe(ERRNO.ENODEV);
    await drive(here, here.platform.release(A0));
  });

  it('is the host’s again when the function that was opened leaves before it is let go', async () => {
    const here = await running(host(CARD), { [A]: LOOKING, [B]: LOOKING });
    for (let times = 0; times < 2; times++) await drive(here, here.platform.open(A));
    here.hardware.freeze(B);
    // The owner asks, which isolates the PE.
    await drive(here, here.platform.peOperation(A, OP.GET_STATE));
    here.hardware.pull(A, { noticed: true });
    await drive(here, here.platform.release(A));
    here.read(B);
    expect((await here.ended(1))[0]!.result).toBe('recovered');
    expect(here.platform.tree.device(B)!.pe!.passed).toBe(0);
  });

  it('is found by the host when it freezes after an owner that thawed it itself', async () => {
    const here = await running(host(single()), { [A0]: LOOKING });
    await drive(here, here.platform.open(A0));
    here.hardware.freeze(A0);
    for (const operation of [OP.GET_STATE, OP.UNFREEZE_IO, OP.UNFREEZE_DMA])
      await drive(here, here.platform.peOperation(A0, operation));
    await drive(here, here.platform.release(A0));
    here.hardware.freeze(A0);
    here.read(A0);
    expect((await here.ended(1))[0]!.result).toBe('recovered');
  });

  it.each([
    ['opal', single()],
    ['rtas', single()],
    ['opal', single({ vendorId: 0x14e4, deviceId: 0x1656 })],
  ] as const)('is taken out of the reset in which its owner left it (%s)', async (firmware, machine) => {
    const here = await running(host({ ...machine, firmware }), { [A0]: LOOKING });
    const bar = here.hardware.readConfig(A0, 0x10, 4);
    await drive(here, here.platform.open(A0));
    await drive(here, here.platform.peOperation(A0, OP.RESET_FUNDAMENTAL));
    expect(here.platform.readConfig(A0, 0x10, 4)).toBe(0xffff_ffff);
    await drive(here, here.platform.release(A0));
    expect([here.hardware.answers(A0), here.hardware.frozen(A0)]).toEqual([true, { mmio: false, dma: false }]);
    expect(here.platform.readConfig(A0, 0x10, 4)).toBe(bar);
    here.hardware.freeze(A0);
    here.read(A0);
    expect((await here.ended(1))[0]!.result).toBe('recovered');
  });

  it('is its owner’s until every function that was opened was let go, as often as it was opened', async () => {
    const here = host(CARD);
    const { pe } = here.platform.tree.device(A)!;
    const passed: number[] = [];
    for (const [act, bdf] of [
      ['open', A],
      ['open', A],
      ['open', B],
      ['release', A],
      ['release', B],
      ['release', B],
      ['release', A],
    ] as const) {
      await drive<unknown>(here, here.platform[act](bdf));
      passed.push(pe!.passed);
    }
    expect(passed).toEqual([1, 2, 3, 2, 1, 1, 0]);
  });

  it('is nobody’s when its function leaves while it is reset for the owner', async () => {
    const here = host(single({ vendorId: 0x10df, deviceId: 0xe220 }));
    here.hardware.freeze(A0);
    const opening = here.platform.open(A0);
    here.hardware.pull(A0, { noticed: true });
    void here.platform.tree;
    expect(await drive(here, opening)).toBe(ERRNO.ENODEV);
    expect(here.platform.tree.device(A0)!.opened).toBe(0);
  });

  it('that is passed through the host neither looks at nor recovers, also when firmware reports it', async () => {
    const here = await running(host(single()), { [A0]: NEEDY });
    await drive(here, here.platform.open(A0));
    here.hardware.freeze(A0, { reported: true });
    here.read(A0);
    await here.clock.drive(here.engine.close());
    expect([here.outcomes, here.calls]).toEqual([[], []]);
    expect(here.hardware.frozen(A0)).toEqual({ mmio: true, dma: true });
  });

  it('is not called when a PE above it is recovered, and is frozen again after that reset', async () => {
    const here = await running(host(SWITCH), { [LEFT]: NEEDY, [RIGHT]: NEEDY, [UP]: NEEDY });
    await drive(here, here.platform.open(LEFT));
    here.hardware.freeze(UP);
    here.read(UP);
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('recovered');
    expect(here.calls.filter((call) => call.includes(LEFT))).toEqual([]);
    expect(here.hardware.frozen(LEFT)).toEqual({ mmio: true, dma: true });
    expect(outcome!.usable.map(({ bdf }) => bdf)).not.toContain(LEFT);
    expect(await drive(here, here.platform.peOperation(LEFT, OP.GET_STATE))).toBe(STATE.STOPPED);
  });
});

describe('VFIO_EEH_PE_OP (R4.11, vfio_spapr_ioctl_eeh_pe_op)', () => {
  const opened = async (machine = single()) => {
    const here = host(machine);
    await drive(here, here.platform.open(A0));
    const op = (operation: number) => drive(here, here.platform.peOperation(A0, operation));
    return { ...here, op };
  };

  it('numbers are those of the uAPI', () => {
    expect(Object.values(OP)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('GET_STATE, UNFREEZE_IO, GET_STATE, UNFREEZE_DMA, GET_STATE of a frozen PE: 2, 0, 4, 0, 0', async () => {
    const { op, hardware } = await opened();
    expect(await op(OP.GET_STATE)).toBe(STATE.NORMAL);
    hardware.freeze(A0);
    const answers = [];
    for (const one of [OP.GET_STATE, OP.UNFREEZE_IO, OP.GET_STATE, OP.UNFREEZE_DMA, OP.GET_STATE])
      answers.push(await op(one));
    expect(answers).toEqual([STATE.STOPPED, 0, STATE.STOPPED_DMA, 0, STATE.NORMAL]);
  });

  it('a PE of which only MMIO is stopped is unavailable', async () => {
    const { op, hardware } = await opened();
    hardware.freeze(A0, { dma: false });
    expect(await op(OP.GET_STATE)).toBe(STATE.UNAVAILABLE);
  });

  it('a PE in reset says so on pSeries; so it does while the host recovers what is above it', async () => {
    const { op } = await opened({ ...single(), firmware: 'rtas' });
    expect(await op(OP.RESET_HOT)).toBe(0);
    expect(await op(OP.GET_STATE)).toBe(STATE.RESET);
    expect(await op(OP.RESET_DEACTIVATE)).toBe(0);
    expect(await op(OP.GET_STATE)).toBe(STATE.NORMAL);
    const nested = host(SWITCH);
    await drive(nested, nested.platform.open(LEFT));
    nested.hardware.freeze(UP);
    nested.hardware.readMemory(UP, 0);
    expect(await drive(nested, nested.platform.peOperation(LEFT, OP.GET_STATE))).toBe(STATE.UNAVAILABLE);
  });

  it.each([OP.RESET_HOT, OP.RESET_FUNDAMENTAL])(
    'a reset (%i) with DEACTIVATE and CONFIGURE leaves it thawed',
    async (kind) => {
      const { op, hardware } = await opened();
      hardware.freeze(A0);
      expect([await op(kind), await op(OP.RESET_DEACTIVATE), await op(OP.CONFIGURE), await op(OP.GET_STATE)]).toEqual([
        0, 0, 0, 0,
      ]);
      expect(factsOf(hardware, 'reset_end')).toHaveLength(1);
    },
  );

  it('ENABLE thaws, DISABLE does nothing, anything else is EINVAL', async () => {
    const { op, hardware } = await opened();
    hardware.freeze(A0);
    expect([await op(OP.DISABLE), await op(OP.GET_STATE)]).toEqual([0, STATE.STOPPED]);
    expect([await op(OP.ENABLE), await op(OP.GET_STATE)]).toEqual([0, STATE.NORMAL]);
    expect(await op(42)).toBe(ERRNO.EINVAL);
  });

  it('INJECT_ERR refuses what is out of range, and freezes with what is not', async () => {
    const here = await opened();
    const inject = (type: number, func: number) =>
      drive(here, here.platform.peOperation(A0, OP.INJECT_ERR, { type, func, address: 0n, mask: 0n }));
    expect(await inject(0, 20)).toBe(ERRNO.EINVAL);
    expect(await inject(2, 4)).toBe(ERRNO.ERANGE);
    expect(await here.op(OP.INJECT_ERR)).toBe(ERRNO.EINVAL);
    expect([await inject(1, 4), await here.op(OP.GET_STATE)]).toEqual([0, STATE.STOPPED]);
  });

  it('INJECT_ERR on pSeries knows loads and stores of memory only (pseries_eeh_err_inject)', async () => {
    const here = await opened({ ...single(), firmware: 'rtas' });
    const inject = (type: number, func: number) =>
      drive(here, here.platform.peOperation(A0, OP.INJECT_ERR, { type, func, address: 0n, mask: 0n }));
    expect([await inject(2, 0), await inject(0, 20), await inject(0, 4), await inject(1, 12)]).toEqual([
      ERRNO.EINVAL,
      ERRNO.EINVAL,
      ERRNO.ERANGE,
      ERRNO.ERANGE,
    ]);
    for (const func of [0, 1, 6, 7]) expect(await inject(0, func)).toBe(0);
    expect(await here.op(OP.GET_STATE)).toBe(STATE.STOPPED);
  });

  it('what has no PE is ENODEV; an error of firmware is an error or unavailable, never "normal"', async () => {
    const { op, hardware, platform, clock } = await opened({ ...single(), firmware: 'rtas' });
    hardware.script({ fault: 'call_fails', call: 'readSlotResetState', rc: -5 });
    expect(await op(OP.GET_STATE)).toBe(STATE.UNAVAILABLE);
    expect(await op(OP.UNFREEZE_IO)).toBeLessThan(0);
    hardware.remove(A0);
    expect(await clock.drive(platform.peOperation(A0, OP.GET_STATE))).toBe(ERRNO.ENODEV);
  });
});

describe('an owner that asks for the state (nothing signals it)', () => {
  interface Owner extends Host {
    readonly owner: EehOwnerPlatform;
    readonly outcomes: readonly RecoveryOutcome[];
    readonly calls: readonly string[];
    ended(count: number): Promise<readonly RecoveryOutcome[]>;
    close(): Promise<void>;
  }

  async function owned(votes: Readonly<Record<string, Votes>>, pe: Partial<OwnedPe> = {}): Promise<Owner> {
    const here = host(CARD);
    await drive(here, here.platform.open(A));
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

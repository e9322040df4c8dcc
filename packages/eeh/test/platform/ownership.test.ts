import { ERRNO, VFIO_EEH_PE as OP, VFIO_EEH_PE_STATE as STATE } from '../../src/index.js';
import { A, B, CARD, factsOf, FLAVOURS, host, LOOKING, NEEDY, running, type Host } from './host.js';
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

  it.each([
    ['pSeries', { firmware: 'rtas' }, {}],
    ['a P7IOC', {}, { model: 'p7ioc' }],
  ] as const)(
    'on %s, where nobody can see the registers of a frozen PE, it gets those that it was probed with',
    async (_, machine, bridge) => {
      const { hostBridges } = single({ vendorId: 0x10df, deviceId: 0xe220 });
      const here = host({ ...machine, hostBridges: [{ ...hostBridges[0]!, ...bridge }] });
      const registers = () => [0x00, 0x0c, 0x10, 0x3c].map((offset) => here.hardware.readConfig(A0, offset, 4));
      const before = registers();
      here.hardware.freeze(A0);
      expect(await drive(here, here.platform.open(A0))).toBe(0);
      expect(factsOf(here.hardware, 'reset_end')).toHaveLength(1);
      expect(registers()).toEqual(before);
      // Memory decoding as it was, parity and SERR; bus mastering is the owner's matter.
      expect(here.hardware.readConfig(A0, 0x04, 2)).toBe(0x0102);
    },
  );

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

  it('also when its owner tried to take it back, and could not', async () => {
    const here = host({ ...single(), firmware: 'rtas' });
    await drive(here, here.platform.open(A0));
    await drive(here, here.platform.peOperation(A0, OP.RESET_HOT));
    here.hardware.script({ fault: 'call_fails', call: 'setSlotReset', rc: -1, action: 0, times: 1 });
    expect(await drive(here, here.platform.peOperation(A0, OP.RESET_DEACTIVATE))).toBeLessThan(0);
    expect(here.hardware.answers(A0)).toBe(false);
    await drive(here, here.platform.release(A0));
    expect(here.hardware.answers(A0)).toBe(true);
  });

  it('changes hands once at a time: whoever comes second waits until the first has it (eeh_dev_mutex)', async () => {
    const cards = ['01:00.0', '01:00.1'].map((bdf) => ({
      kind: 'endpoint' as const,
      bdf,
      vendorId: 0x10df,
      deviceId: 0xe220,
    }));
    const here = host({ hostBridges: [{ phb: 0, below: [{ kind: 'root_port', bdf: '00:00.0', below: cards }] }] });
    here.hardware.freeze(A);
    const seen: unknown[] = [];
    const opened = async (bdf: typeof A): Promise<void> => {
      const rc = await here.platform.open(bdf);
      seen.push([rc, here.hardware.frozen(bdf), here.hardware.answers(bdf), here.platform.tree.device(A)!.pe!.passed]);
    };
    await drive(here, Promise.all([opened(A), opened(B), here.platform.release(A), opened(A)]));
    const working = [{ mmio: false, dma: false }, true] as const;
    expect(seen).toEqual([1, 2, 2].map((passed) => [0, ...working, passed]));
    expect(factsOf(here.hardware, 'reset_end')).toHaveLength(1);
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

import { parseBdf, TOKENS, type RecoveryEngine, coreModule } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { Container } from 'inversify';
import { decodePhbDiag } from '../../src/diag/index.js';
import { EehPlatform, eehModule, MOST_IGNORED_READS, PE_STATE } from '../../src/index.js';
import { simulateEeh } from '../../src/sim/index.js';
import { A, B, CARD, FLAVOURS, host, LOOKING, running } from './host.js';
import { A0, LEFT, RIGHT, SEPARATE, single, SWITCH, UP, VF1, VIRTUAL } from './machines.js';

describe('a read of all ones (eeh_dev_check_failure)', () => {
  it.each(FLAVOURS)('of a healthy function on %s is a false positive, and counted as one', (firmware) => {
    const { platform } = host({ ...CARD, firmware });
    expect(platform.checkFailure(A)).toBe(false);
    expect(platform.statistics).toEqual({ ignoredChecks: 0, allOnes: 1, falsePositives: 1, freezes: 0 });
    expect(platform.tree.device(A)!.pe!.falsePositives).toBe(1);
  });

  it('of a function that nobody watches over is ignored', () => {
    const { platform } = host(CARD);
    expect(platform.checkFailure(parseBdf('0000:09:00.0'))).toBe(false);
    expect(platform.statistics.ignoredChecks).toBe(1);
  });

  it.each([
    [{ mmio: true, dma: true }, true],
    [{ mmio: true, dma: false }, true],
    [{ mmio: false, dma: true }, true],
  ])('behind a freeze of %j is one', (freeze, found) => {
    const { platform, hardware } = host(CARD);
    hardware.freeze(A, freeze);
    expect(platform.checkFailure(B)).toBe(found);
    const { state } = platform.tree.device(A)!.pe!;
    expect(state & PE_STATE.ISOLATED).not.toBe(0);
    expect(state & PE_STATE.RECOVERING).not.toBe(0);
  });

  it('isolates what is below too, and freezes its channels', () => {
    const { platform, hardware } = host(SWITCH);
    hardware.freeze(UP);
    platform.checkFailure(UP);
    for (const bdf of [LEFT, RIGHT]) {
      const device = platform.tree.device(bdf)!;
      expect([device.channel, device.pe!.state & PE_STATE.ISOLATED]).toEqual(['frozen', PE_STATE.ISOLATED]);
    }
  });

  it(`repeated ${MOST_IGNORED_READS} times looks like an endless loop, and is said once`, () => {
    const suspected: unknown[] = [];
    const { platform, hardware } = host(CARD, { suspectedLoop: (...what) => void suspected.push(what) });
    hardware.freeze(A);
    platform.checkFailure(A);
    platform.tree.device(A)!.pe!.checkCount = MOST_IGNORED_READS - 1;
    for (let reads = 0; reads < 3; reads++) platform.checkFailure(A);
    expect(suspected).toEqual([[A, 'PHB#0-PE#2', MOST_IGNORED_READS]]);
  });

  it('of configuration space is looked into as well; while blocked it is all ones, and nobody wonders (pnv_pci_cfg_check)', async () => {
    const here = await running(host(single()), { [A0]: LOOKING });
    expect(here.platform.readConfig(A0, 0, 4)).toBe(0x0001_1014);
    here.platform.writeConfig(A0, 0x3c, 1, 0x55);
    expect(here.platform.readConfig(A0, 0x3c, 1)).toBe(0x55);
    here.platform.tree.device(A0)!.pe!.state |= PE_STATE.CFG_BLOCKED;
    here.platform.writeConfig(A0, 0x3c, 1, 0x66);
    expect(here.platform.readConfig(A0, 0x3c, 1)).toBe(0xff);
    expect(here.platform.statistics).toMatchObject({ allOnes: 0, falsePositives: 0 });
    expect(here.hardware.readConfig(A0, 0x3c, 1)).toBe(0x55);
  });
});

describe('asking for the state (pnv_eeh_get_pe_state)', () => {
  it('isolates a PE of which both are stopped, and so swallows its detection; a survey finds it all the same', async () => {
    const here = await running(host(single()), { [A0]: LOOKING });
    here.hardware.freeze(A0);
    await here.clock.drive(here.platform.peOperation(A0, 4));
    here.read(A0);
    expect(here.platform.tree.device(A0)!.pe!.checkCount).toBe(1);
    const survey = await here.platform.survey({ signal: new AbortController().signal });
    expect(survey.map(({ record }) => record.name)).toEqual(['PHB#0-PE#2']);
  });

  it('does not, when only one is stopped', async () => {
    const here = host(single());
    here.hardware.freeze(A0, { dma: false });
    await here.clock.drive(here.platform.peOperation(A0, 4));
    expect(here.platform.tree.device(A0)!.pe!.state & PE_STATE.ISOLATED).toBe(0);
  });
});

describe('the log of an error (R4.7)', () => {
  const rawOf = async (here: Awaited<ReturnType<typeof running>>, count: number) =>
    (await here.ended(count))[count - 1]!.event.raw;

  it('is that of a half frozen PE too, never that of the error before', async () => {
    const here = await running(host(single()), { [A0]: LOOKING });
    here.hardware.freeze(A0);
    here.read(A0);
    const first = decodePhbDiag((await rawOf(here, 1))!).data!;
    here.hardware.freeze(A0, { dma: false });
    here.read(A0);
    const second = decodePhbDiag((await rawOf(here, 2))!).data!;
    expect([first.pest[0]!.b, second.pest[0]!.a, second.pest[0]!.b]).toEqual([1n << 63n, 1n << 63n, 0n]);
  });

  it('does not come from an earlier error where firmware gives none, or nothing is frozen', async () => {
    const here = await running(host(single()), { [A0]: LOOKING });
    here.hardware.freeze(A0);
    here.read(A0);
    expect(await rawOf(here, 1)).toBeDefined();
    using _ = here.hardware.script({ fault: 'call_fails', call: 'diagData', rc: -6 });
    here.hardware.freeze(A0);
    here.read(A0);
    expect(await rawOf(here, 2)).toBeUndefined();
    here.platform.forceRecovery('PHB#0-PE#2');
    expect(await rawOf(here, 3)).toBeUndefined();
  });
});

describe('a survey', () => {
  const surveyed = async (here: ReturnType<typeof host>) =>
    (await here.platform.survey({ signal: new AbortController().signal })).map(({ device, record }) => [
      device.bdf,
      record.kind,
      record.name,
    ]);

  it('of a healthy machine finds nothing', async () => {
    for (const machine of [CARD, SWITCH, SEPARATE, VIRTUAL]) expect(await surveyed(host(machine))).toEqual([]);
  });

  it.each(FLAVOURS)('on %s finds every frozen PE, once', async (firmware) => {
    const here = host({ ...SEPARATE, firmware });
    for (const bdf of ['0000:01:00.0', '0002:01:00.0']) here.hardware.freeze(bdf);
    const names = (await surveyed(here)).map(([bdf, kind]) => [bdf, kind]);
    expect(names).toEqual([
      ['0000:01:00.0', 'frozen_pe'],
      ['0002:01:00.0', 'frozen_pe'],
    ]);
    expect(await surveyed(here)).toEqual([]);
  });

  it.each([
    ['half frozen', { mmio: false }],
    ['frozen', {}],
  ])('finds of those within each other only the topmost, also when that is %s', async (_, upper) => {
    for (const firmware of FLAVOURS) {
      const here = host({ ...SWITCH, firmware });
      here.hardware.freeze(UP, upper);
      here.hardware.freeze(LEFT);
      expect((await surveyed(here)).map(([bdf, , name]) => [bdf, name])).toEqual([
        [UP, here.platform.tree.device(UP)!.pe!.name],
      ]);
    }
  });

  it('finds a fenced host bridge, not everything below it', async () => {
    const here = host(SEPARATE);
    here.hardware.fence(1, { reported: false });
    expect((await surveyed(here)).map(([, kind, name]) => [kind, name])).toEqual([['fenced_phb', 'PHB#1']]);
  });

  it('takes in what firmware has to report', async () => {
    const here = host(SEPARATE);
    here.hardware.kill(2);
    expect((await surveyed(here)).map(([, kind, name]) => [kind, name])).toEqual([['dead_phb', 'PHB#2']]);
  });
});

describe('the tree of PEs', () => {
  it('has a PE per bus, in walk order; virtual functions below their physical one', () => {
    const { platform } = host(SWITCH);
    expect([...platform.tree.all()].map(({ name, type }) => [name, type])).toEqual([
      ['PHB#0', 'phb'],
      ['PHB#0-PE#1', 'device'],
      ['PHB#0-PE#2', 'device'],
      ['PHB#0-PE#3', 'bus'],
      ['PHB#0-PE#4', 'device'],
      ['PHB#0-PE#5', 'device'],
    ]);
    const virtual = host(VIRTUAL).platform.tree;
    expect(virtual.device(VF1)!.pe!.parent!.functions.map(({ bdf }) => bdf)).toEqual([A0]);
  });

  it('follows what is plugged and unplugged', () => {
    const { platform, hardware } = host(CARD);
    hardware.remove(A);
    hardware.remove(B);
    expect(platform.tree.find('PHB#0-PE#2')).toBeUndefined();
    hardware.pull(B);
    hardware.put(A);
    expect(platform.tree.device(A)).toMatchObject({ present: true, generation: 1 });
    expect(platform.tree.find('PHB#0-PE#2')!.functions.map(({ bdf }) => bdf)).toEqual([A]);
  });
});

it('is forced: a recovery of a healthy PE (debugfs eeh_force_recover)', async () => {
  const here = await running(host(single()), { [A0]: LOOKING });
  expect(here.platform.forceRecovery('PHB#0-PE#2')).toBe(true);
  expect(here.platform.forceRecovery('PHB#7')).toBe(false);
  const [outcome] = await here.ended(1);
  expect([outcome!.result, outcome!.event]).toMatchObject(['recovered', { record: { origin: 'forced' } }]);
});

it('is not forced on a host bridge that belongs to the hypervisor', () => {
  expect(host({ ...CARD, firmware: 'rtas' }).platform.forceRecovery('PHB#0')).toBe(false);
  expect(host(CARD).platform.forceRecovery('PHB#0')).toBe(true);
});

it('leaves a bridge to ISA alone (pnv_eeh_probe)', () => {
  const clock = new VirtualClock();
  const hardware = simulateEeh({ clock, ...CARD });
  const readConfig = hardware.readConfig.bind(hardware);
  hardware.readConfig = (bdf, offset, width) =>
    bdf === B && offset === 0x0a ? 0x0601 : readConfig(bdf, offset, width);
  const { tree } = new EehPlatform(hardware, clock);
  expect([tree.device(A)?.pe?.name, tree.device(B)]).toEqual(['PHB#0-PE#2', undefined]);
});

it('says what it can do, and why not the rest', () => {
  expect(host(CARD).platform.capabilities).toEqual({ error_interrupts: true, host_bridge_reset: true });
  const { capabilities } = host({ ...CARD, firmware: 'rtas' }).platform;
  for (const one of Object.values(capabilities)) expect(one).toHaveProperty('absent');
});

it('is one more platform in a container', async () => {
  const clock = new VirtualClock();
  const hardware = simulateEeh({ clock, ...CARD });
  const container = new Container();
  container.load(coreModule({ clock }), eehModule({ port: hardware, name: 'eeh-0' }));
  const engine = container.get<RecoveryEngine>(TOKENS.engine);
  const platform = container.get(EehPlatform);
  expect(platform.name).toBe('eeh-0');
  hardware.onAllOnes((bdf) => void platform.checkFailure(bdf));
  for (const bdf of [A, B]) engine.attach(bdf, { errorDetected: () => 'can_recover', mmioEnabled: () => 'recovered' });
  const ended = new Promise((resolve) => {
    engine.observe((event) => event.type === 'ended' && resolve(event.outcome.result));
  });
  await engine.start();
  hardware.freeze(A);
  hardware.readMemory(A, 0);
  expect(await clock.drive(ended)).toBe('recovered');
  await clock.drive(engine.close());
});

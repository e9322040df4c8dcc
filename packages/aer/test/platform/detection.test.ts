import { parseBdf, requesterId, type Bdf } from '@pci-recovery/core';
import { AER, PCIE, UNCORRECTABLE_ERRORS } from '@pci-recovery/pci';
import fc from 'fast-check';
import { aerOf, altered, factsOf, host, readAer, writeAer, writePcie, type Host, type Machine } from './host.js';

const ROOT = parseBdf('00:06.0');
const ENDPOINT = parseBdf('01:00.0');
const ONE: Machine = {
  rootPorts: [{ kind: 'root_port', bdf: ROOT, below: [{ kind: 'endpoint', bdf: ENDPOINT, driver: 'nvme' }] }],
};
const bit = (name: string): number => UNCORRECTABLE_ERRORS.find((error) => error.linux === name)!.mask;

/** A switch with seven ports, an endpoint below each. */
const LEAVES = [3, 4, 5, 6, 7, 8, 9].map((bus) => parseBdf(`0${bus}:00.0`));
const PORTS = LEAVES.map((_, n) => parseBdf(`02:0${n}.0`));
const SWITCH: Machine = {
  rootPorts: [
    {
      kind: 'root_port',
      bdf: ROOT,
      below: [
        {
          kind: 'upstream_port',
          bdf: '01:00.0',
          below: LEAVES.map((bdf, n) => ({
            kind: 'downstream_port' as const,
            bdf: PORTS[n]!,
            below: [{ kind: 'endpoint' as const, bdf }],
          })),
        },
      ],
    },
  ],
};

const found = ({ platform }: Host): [Bdf, severity: string][] =>
  platform.interrupted(ROOT).map((event) => [event.device.bdf, event.severity]);

/** The root loses the bus number of the source. */
const losingIds = (machine: Machine): Host =>
  host(machine, {
    port: (hardware) => {
      const source = aerOf(hardware, ROOT) + AER.ERROR_SOURCE;
      return altered(hardware, {
        readConfig: (bdf, offset, width) =>
          bdf === ROOT && offset === source ? 0 : hardware.readConfig(bdf, offset, width),
      });
    },
  });

describe('one error (aer.c:find_source_device, is_error_source)', () => {
  it('comes from the function whose id the root logged; root status is cleared', () => {
    const { hardware, platform } = host(ONE);
    hardware.detect(ENDPOINT, { error: 'POISON_TLP', header: [0x4000_0001, 0x0100_000f, 0xfe00_0000, 0] });
    const [event, ...others] = platform.interrupted(ROOT);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      platform: 'aer',
      severity: 'nonfatal',
      device: { bdf: ENDPOINT, generation: 0 },
      record: {
        origin: 'message',
        root: ROOT,
        portType: 'endpoint',
        multiple: false,
        sourceId: requesterId(ENDPOINT),
        status: bit('POISON_TLP'),
        firstError: 12,
        headerLog: [0x4000_0001, 0x0100_000f, 0xfe00_0000, 0],
        accessible: true,
      },
    });
    expect(readAer(hardware, ROOT, AER.ROOT_STATUS)).toBe(0);
  });

  it('is not looked for elsewhere: another function with an error of its own is no source', () => {
    const here = host(SWITCH);
    here.hardware.script({ fault: 'message_lost', bdf: LEAVES[0]!, times: 1 });
    here.hardware.detect(LEAVES[0]!, { error: 'POISON_TLP' });
    here.hardware.detect(LEAVES[3]!, { error: 'POISON_TLP' });
    expect(found(here)).toEqual([[LEAVES[3], 'nonfatal']]);
  });

  it('whose id has bus 0 is looked for by status, and the first one found is it', () => {
    const here = losingIds(SWITCH);
    here.hardware.script({ fault: 'message_lost', bdf: LEAVES[4]!, times: 1 });
    here.hardware.detect(LEAVES[4]!, { error: 'POISON_TLP' });
    here.hardware.detect(LEAVES[2]!, { error: 'POISON_TLP' });
    expect(found(here)).toEqual([[LEAVES[2], 'nonfatal']]);
  });

  it('of the root port itself is found at the root port, before anything below', () => {
    const here = host(ONE);
    here.hardware.detect(ROOT, { error: 'COMP_TIME' });
    expect(found(here)).toEqual([[ROOT, 'nonfatal']]);
  });

  it('with an id that belongs to nobody is reported, as informative, at the root; the kernel only logs it', () => {
    const here = losingIds(ONE);
    here.hardware.detect(ENDPOINT, { error: 'POISON_TLP' });
    writeAer(here.hardware, ENDPOINT, AER.UNCOR_STATUS, 0xffff_ffff);
    const [event] = here.platform.interrupted(ROOT);
    expect(event).toMatchObject({
      severity: 'informative',
      device: { bdf: ROOT },
      record: { severity: 'nonfatal', root: ROOT, sourceId: 0, status: 0, accessible: false },
    });
  });
});

describe('several errors (the root flags "multiple")', () => {
  const several = (here: Host, bdfs: readonly Bdf[]): void => {
    for (const bdf of bdfs) here.hardware.detect(bdf, { error: 'POISON_TLP' });
  };

  it('come from every function with an error, in walk order', () => {
    const here = host(SWITCH);
    several(here, [LEAVES[5]!, LEAVES[1]!, LEAVES[3]!]);
    expect(found(here)).toEqual([LEAVES[1], LEAVES[3], LEAVES[5]].map((bdf) => [bdf, 'nonfatal']));
  });

  it('are traced to at most five functions (AER_MAX_MULTI_ERR_DEVICES)', () => {
    const here = host(SWITCH);
    several(here, LEAVES);
    expect(found(here)).toEqual(LEAVES.slice(0, 5).map((bdf) => [bdf, 'nonfatal']));
  });

  it('do not come from a function that reports nothing (Device Control 3:0), unless its id was logged', () => {
    const here = host(SWITCH);
    several(here, LEAVES.slice(0, 3));
    for (const bdf of LEAVES.slice(0, 2)) writePcie(here.hardware, bdf, PCIE.DEVICE_CONTROL, 0x2810);
    expect(found(here)).toEqual([LEAVES[0], LEAVES[2]].map((bdf) => [bdf, 'nonfatal']));
  });

  it('come from walked functions exactly where an unmasked error of the kind is, for any set of them', () => {
    const state = fc.record({ uncorrectable: fc.boolean(), masked: fc.boolean(), reports: fc.boolean() });
    fc.assert(
      fc.property(fc.array(state, { minLength: LEAVES.length, maxLength: LEAVES.length }), (states) => {
        const here = losingIds(SWITCH);
        const { hardware } = here;
        for (const times of [1, 2]) void hardware.detect(PORTS[0]!, { error: 'POISON_TLP', header: [times] });
        writeAer(hardware, PORTS[0]!, AER.UNCOR_STATUS, 0xffff_ffff);
        states.forEach(({ uncorrectable, masked, reports }, n) => {
          const bdf = LEAVES[n]!;
          hardware.script({ fault: 'message_lost', bdf });
          if (uncorrectable) hardware.detect(bdf, { error: 'POISON_TLP' });
          if (masked) writeAer(hardware, bdf, AER.UNCOR_MASK, bit('POISON_TLP'));
          if (!reports) writePcie(hardware, bdf, PCIE.DEVICE_CONTROL, 0x2810);
        });
        const sources = LEAVES.filter((_, n) => states[n]!.uncorrectable && !states[n]!.masked && states[n]!.reports);
        const expected = sources.slice(0, 5).map((bdf) => [bdf, 'nonfatal']);
        expect(found(here)).toEqual(expected.length > 0 ? expected : [[ROOT, 'informative']]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('severity (aer.c:aer_isr_one_error)', () => {
  it('correctable errors are handled before uncorrectable ones, whatever came first', () => {
    const here = host(SWITCH);
    here.hardware.detect(LEAVES[0]!, { error: 'COMP_TIME' });
    here.hardware.detect(LEAVES[1]!, { error: 'BAD_TLP' });
    expect(found(here)).toEqual([
      [LEAVES[1], 'correctable'],
      [LEAVES[0], 'nonfatal'],
    ]);
  });

  it('is the one that the root logged: with a fatal message among several all are fatal', () => {
    const here = host(SWITCH);
    here.hardware.detect(LEAVES[0]!, { error: 'COMP_TIME' });
    here.hardware.detect(LEAVES[1]!, { error: 'MALF_TLP' });
    expect(found(here)).toEqual([
      [LEAVES[0], 'fatal'],
      [LEAVES[1], 'fatal'],
    ]);
  });
});

describe('what is read of a source (aer.c:aer_get_device_error_info)', () => {
  const readsOf = (here: Host, bdf: Bdf): number =>
    factsOf(here.hardware, 'config_read').filter((fact) => fact.bdf === bdf).length;

  it.each([
    ['an endpoint', ENDPOINT, ONE],
    ['a switch upstream port', ENDPOINT, SWITCH],
  ])('a fatal error of %s: nothing, its link may be down ("Inaccessible")', (_, bdf, machine) => {
    const here = host({ ...machine, log: { configReads: true } });
    here.hardware.detect(bdf, { error: 'MALF_TLP' });
    here.hardware.clearLog();
    const [event] = here.platform.interrupted(ROOT);
    expect(event).toMatchObject({ severity: 'fatal', record: { status: 0, mask: 0, accessible: false } });
    expect(event!.record).not.toHaveProperty('headerLog');
    expect(readsOf(here, bdf)).toBe(0);
  });

  it.each([
    ['a root port', ROOT],
    ['a switch downstream port', PORTS[2]!],
  ])('a fatal error of %s: everything, its own link is up', (_, bdf) => {
    const here = host(SWITCH);
    here.hardware.detect(bdf, { error: 'MALF_TLP' });
    const [event] = here.platform.interrupted(ROOT);
    expect(event).toMatchObject({
      device: { bdf },
      severity: 'fatal',
      record: { status: bit('MALF_TLP'), firstError: 18, accessible: true },
    });
  });

  it('a non-fatal error of a function that answers all ones is escalated to fatal (R1.6)', () => {
    const here = host(ONE);
    here.hardware.detect(ENDPOINT, { error: 'COMP_TIME' });
    here.hardware.freeze(ENDPOINT);
    const [event] = here.platform.interrupted(ROOT);
    expect(event).toMatchObject({ device: { bdf: ENDPOINT }, severity: 'fatal', record: { accessible: false } });
  });

  it('a correctable error of a function that answers all ones cannot be read: informative', () => {
    const here = host(ONE);
    here.hardware.detect(ENDPOINT, { error: 'BAD_TLP' });
    here.hardware.freeze(ENDPOINT);
    expect(found(here)).toEqual([[ROOT, 'informative']]);
  });

  it.each([true, false])('a function without AER capability starts no recovery (answers: %s)', (answers) => {
    const below = [{ kind: 'endpoint', bdf: ENDPOINT, aer: false }] as const;
    const here = host({ rootPorts: [{ kind: 'root_port', bdf: ROOT, below }] });
    here.hardware.detect(ENDPOINT, { uncorrectable: 'MALF_TLP' });
    if (!answers) here.hardware.freeze(ENDPOINT);
    expect(readAer(here.hardware, ROOT, AER.ROOT_STATUS)).not.toBe(0);
    expect(found(here)).toEqual([[ROOT, 'informative']]);
  });
});

describe('an interrupt without anything behind it (aer.c:aer_irq)', () => {
  it('is not ours: nothing is written', () => {
    const here = host(ONE);
    here.hardware.clearLog();
    expect(here.platform.interrupted(ROOT)).toEqual([]);
    expect(here.hardware.log).toEqual([]);
  });

  it('of a root port that answers all ones, or that is not there, gives nothing', () => {
    const here = host(ONE);
    here.hardware.freeze(ROOT);
    expect(here.platform.interrupted(ROOT)).toEqual([]);
    expect(here.platform.interrupted(parseBdf('00:1f.0'))).toEqual([]);
  });
});

describe('inside the root complex', () => {
  const COLLECTOR = parseBdf('00:1e.0');
  const INTEGRATED = ['00:10.0', '00:11.0'].map(parseBdf);
  const machine: Machine = {
    eventCollectors: [
      { kind: 'rcec', bdf: COLLECTOR, collects: INTEGRATED.map((bdf) => ({ kind: 'rciep' as const, bdf })) },
    ],
  };

  it('an event collector searches itself and the RCiEPs that are associated with it (pcie_walk_rcec)', () => {
    const { hardware, platform } = host(machine);
    hardware.detect(INTEGRATED[1]!, { error: 'COMP_TIME' });
    hardware.detect(COLLECTOR, { error: 'COMP_TIME' });
    expect(platform.interrupted(COLLECTOR).map((event) => event.device.bdf)).toEqual([COLLECTOR, INTEGRATED[1]]);
  });

  it('a fatal error of an RCiEP is not read, one of the event collector is', () => {
    const { hardware, platform } = host(machine);
    hardware.detect(INTEGRATED[0]!, { error: 'MALF_TLP' });
    expect(platform.interrupted(COLLECTOR)[0]!.record).toMatchObject({ portType: 'rciep', accessible: false });
    writeAer(hardware, INTEGRATED[0]!, AER.UNCOR_STATUS, 0xffff_ffff);
    hardware.detect(COLLECTOR, { error: 'MALF_TLP' });
    expect(platform.interrupted(COLLECTOR)[0]!.record).toMatchObject({ portType: 'rcec', accessible: true });
  });
});

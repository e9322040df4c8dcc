import { parseBdf } from '@pci-recovery/core';
import fc from 'fast-check';
import { mkdir, writeFile } from 'node:fs/promises';
import {
  HostDirectory,
  parseAerCounters,
  parseEehPeState,
  parseEehStatistics,
  readAerCounters,
  readEehAttributes,
  readEehPeState,
  readEehStatistics,
  readZpciAttributes,
  Sysfs,
} from '../../src/host/index.js';
import { newDirectory, POWERNV, removeTrees, S390, sysfsTree, X86 } from './fixtures.js';

afterAll(removeTrees);

const NIC = parseBdf('0000:01:00.0');
const PORT = parseBdf('0000:00:06.0');

describe('AER counters', () => {
  it('are read by name, totals apart', async () => {
    const sysfs = new Sysfs({ root: await sysfsTree(X86) });
    const counters = (await readAerCounters(sysfs, NIC))!;
    expect(counters.correctable!.total).toBe(3n);
    expect(counters.correctable!.errors.get('BadTLP')).toBe(3n);
    expect([...counters.nonfatal!.errors]).toEqual([
      ['Undefined', 0n],
      ['DLP', 0n],
      ['CmpltTO', 1n],
    ]);
    expect(counters.root).toBeUndefined();
    expect(counters.findings).toEqual([]);
  });

  it('show a fatal error in the total only', async () => {
    const sysfs = new Sysfs({ root: await sysfsTree(X86) });
    const { fatal } = (await readAerCounters(sysfs, NIC))!;
    expect(fatal!.total).toBe(1n);
    expect([...fatal!.errors.values()].every((count) => count === 0n)).toBe(true);
  });

  it('of a root port say what came from below', async () => {
    const sysfs = new Sysfs({ root: await sysfsTree(X86) });
    const { root } = (await readAerCounters(sysfs, PORT))!;
    expect(root).toEqual({ correctable: 3n, fatal: 1n, nonfatal: 0n });
  });

  it('are undefined without AER', async () => {
    const sysfs = new Sysfs({ root: await sysfsTree(POWERNV) });
    expect(await readAerCounters(sysfs, parseBdf('0001:01:00.0'))).toBeUndefined();
  });

  it('keep bits without a name, and 64 bits', () => {
    const { errors, total, findings } = parseAerCounters(
      'dev_fatal_errs_bit[3] 18446744073709551615\nTOTAL_ERR_FATAL 1\n',
    );
    expect([...errors]).toEqual([['dev_fatal_errs_bit[3]', 2n ** 64n - 1n]]);
    expect([total, findings]).toEqual([1n, []]);
  });

  it.each([
    ['no number', 'BadTLP x', 'bad_line'],
    ['no name', ' 3', 'bad_line'],
    ['more than 64 bits', 'BadTLP 18446744073709551616', 'bad_line'],
    ['negative', 'BadTLP -1', 'bad_line'],
    ['a name twice', 'BadTLP 1\nBadTLP 2', 'duplicate'],
    ['a name without end', `${'x'.repeat(65)} 1`, 'bad_line'],
  ])('find %s', (_, text, code) => {
    expect(parseAerCounters(text).findings).toMatchObject([{ code }]);
  });

  it('find a bad total of a root port', async () => {
    const files = { aer_rootport_total_err_cor: 'many\n' };
    const sysfs = new Sysfs({ root: await sysfsTree([{ bdf: NIC, above: 'pci0000:00', classCode: 0, files }]) });
    expect((await readAerCounters(sysfs, NIC))!.findings).toMatchObject([
      { code: 'not_a_number', attribute: 'aer_rootport_total_err_cor', bdf: NIC },
    ]);
  });

  it('are bounded, whatever the text', () => {
    const lines = Array.from({ length: 5000 }, (_, index) => `n${index} 1`).join('\n');
    expect(parseAerCounters(lines).errors.size).toBe(256);
    expect(parseAerCounters(lines).findings).toHaveLength(1);
  });

  it('never throw', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseAerCounters(text)));
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseAerCounters(text)));
  });
});

describe('EEH attributes', () => {
  const nvme = parseBdf('0001:01:00.0');
  const tree = async (state: string): Promise<Sysfs> =>
    new Sysfs({
      root: await sysfsTree(POWERNV.map((fn) => ({ ...fn, files: { ...fn.files, eeh_pe_state: state } }))),
    });

  it('are read', async () => {
    const sysfs = new Sysfs({ root: await sysfsTree(POWERNV) });
    expect(await readEehAttributes(sysfs, nvme)).toEqual({ mode: 0x200, peConfigAddress: 0x1fd, findings: [] });
  });

  it('are undefined where the kernel has no EEH', async () => {
    const sysfs = new Sysfs({ root: await sysfsTree(X86) });
    expect(await readEehAttributes(sysfs, NIC)).toBeUndefined();
    expect(await readEehPeState(sysfs, NIC)).toBeUndefined();
  });

  it.each([
    ['0x00000078 0x00000800', ['mmio_active', 'dma_active', 'mmio_enabled', 'dma_enabled'], ['pri_bus']],
    ['0x00000050 0x00000801', ['dma_active', 'dma_enabled'], ['isolated', 'pri_bus']],
    ['0x00000028 0x00000801', ['mmio_active', 'mmio_enabled'], ['isolated', 'pri_bus']],
    ['0x00000000 0x00000001', [], ['isolated']],
    ['0x00000004 0x0000000a', ['reset_active'], ['recovering', 'reset']],
    ['0xffffffed 0x00000400', [], ['removed']],
  ])('name the bits of %s', async (text, platformFlags, kernelFlags) => {
    expect(await readEehPeState(await tree(`${text}\n`), nvme)).toMatchObject({ platformFlags, kernelFlags });
  });

  it.each(['', '0x0', '0x0 0x0 0x0', '0x1ffffffff 0x0', 'frozen solid'])('refuse %j as a state', async (text) => {
    expect(parseEehPeState(text)).toBeUndefined();
    const reading = readEehPeState(await tree(text), nvme);
    await expect(reading).rejects.toMatchObject({ code: 'ERR_PCI_BAD_SYSFS', context: { bdf: nvme } });
  });

  it('never throw', () => {
    fc.assert(fc.property(fc.string(), (text) => void [parseEehPeState(text), parseEehStatistics(text)]));
  });
});

describe('/proc/powerpc/eeh', () => {
  it('says whether EEH is enabled, and counts', async () => {
    const root = await newDirectory();
    await mkdir(`${root}/powerpc`);
    const text = 'EEH Subsystem is enabled\nno device=0\ncheck not wanted=1\neeh_slot_resets=7\n';
    await writeFile(`${root}/powerpc/eeh`, text);
    const statistics = (await readEehStatistics(new HostDirectory(root)))!;
    expect(statistics).toMatchObject({ enabled: true, findings: [] });
    expect(statistics.counters.get('eeh_slot_resets')).toBe(7n);
    expect(statistics.counters.get('check not wanted')).toBe(1n);
  });

  it('is undefined elsewhere', async () => {
    expect(await readEehStatistics(new HostDirectory(await newDirectory()))).toBeUndefined();
  });

  it('tells disabled', () => {
    expect(parseEehStatistics('EEH Subsystem is globally disabled\neeh_total_mmio_ffs=0')).toMatchObject({
      enabled: false,
      findings: [],
    });
  });

  it('counts as disabled when it says neither', () => {
    expect(parseEehStatistics('hello')).toMatchObject({ enabled: false, findings: [{ code: 'bad_line' }] });
  });
});

describe('zPCI attributes', () => {
  const bdf = parseBdf('0001:00:00.0');

  it('are read', async () => {
    const root = await sysfsTree(S390);
    const string = new Uint8Array(64).fill(0x40);
    string.set([0xc1, 0xc2, 0xc3]);
    await writeFile(`${root}/devices/pci0001:00/${bdf}/util_string`, string);
    expect(await readZpciAttributes(new Sysfs({ root }), bdf)).toEqual({
      functionId: 1,
      functionHandle: 0x80020000,
      pchid: 1,
      pfgid: 0,
      pft: 0,
      vfn: 0,
      port: 0,
      uid: 1,
      uidIsUnique: true,
      mioEnabled: true,
      pfip: [0, 1, 2, 0xff],
      utilString: 'ABC',
      canRecover: true,
      canReportError: true,
      findings: [],
    });
  });

  it('are undefined elsewhere', async () => {
    expect(await readZpciAttributes(new Sysfs({ root: await sysfsTree(X86) }), NIC)).toBeUndefined();
  });

  it('find what is no number, and go on', async () => {
    const files = { function_id: '0x1\n', function_handle: '0x123456789\n', uid: 'none\n' };
    const sysfs = new Sysfs({ root: await sysfsTree([{ bdf, above: 'pci0001:00', classCode: 0, files }]) });
    expect(await readZpciAttributes(sysfs, bdf)).toMatchObject({
      functionId: 1,
      functionHandle: undefined,
      canRecover: false,
      pfip: undefined,
      utilString: undefined,
      findings: [
        { code: 'not_a_number', attribute: 'function_handle' },
        { code: 'not_a_number', attribute: 'uid' },
      ],
    });
  });
});

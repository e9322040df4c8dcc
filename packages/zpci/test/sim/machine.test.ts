import { AVAILABILITY, decodeCcdfAvailability, decodeCcdfError } from '../../src/index.js';
import { simulateZpci, type FunctionDescription, type SimulatedZpci } from '../../src/sim/index.js';
import { AT, codeOf, machine, said, seen } from '../machine.js';
import { VirtualClock } from '@pci-recovery/core/testing';

const A = AT[1];

const handle = (hardware: SimulatedZpci): number => hardware.inspect(1)!.fh;

describe('handles', () => {
  it('say enabled in bit 31, and change when a function is enabled anew', () => {
    const { hardware } = machine();
    const first = handle(hardware);
    expect(first >>> 31).toBe(1);
    const { fh: disabled } = hardware.set(first, 'disable');
    expect(disabled >>> 31).toBe(0);
    const { fh: second } = hardware.set(disabled, 'enable');
    expect(second >>> 31).toBe(1);
    expect(second).not.toBe(first);
    expect(hardware.modify(first, 'reset_block').cc).toBe(3);
    expect(hardware.set(first, 'disable').response).toBe(0x101);
  });

  it('stay the same on a machine that keeps them', () => {
    const { hardware } = machine({ handles: 'keep' });
    const first = handle(hardware);
    expect(hardware.set(hardware.set(first, 'disable').fh, 'enable').fh).toBe(first);
  });

  it('go round after 128 times, and never lose their function', () => {
    const { hardware } = machine();
    for (let count = 0; count < 300; count++) {
      expect(hardware.set(hardware.set(handle(hardware), 'disable').fh, 'enable').response).toBe(0x10);
      expect(handle(hardware) & 0xffff).toBe(0);
    }
  });
});

describe('the error state', () => {
  it('blocks registers and DMA, and is told with every field', async () => {
    const { hardware } = machine();
    hardware.writeMemory(A, 0x10, 42);
    hardware.detect(1, { pec: 9, faddr: 0xabc000n, ett: 3, mvn: 77, dmaas: 2, q: 1, rw: 0 });
    expect(hardware.inspect(1)).toMatchObject({ error: true, blocked: true, enabled: true });
    expect(hardware.readMemory(A, 0x10)).toBe(0xffff_ffff);
    const [first] = await said(hardware);
    expect(decodeCcdfError(first!.ccdf)).toMatchObject({ fh: handle(hardware), fid: 1, pec: 9, mvn: 77, ett: 3, q: 1 });
    expect(hardware.modify(handle(hardware), 'reset_block')).toEqual({ cc: 0, status: 0 });
    expect(hardware.readMemory(A, 0x10)).toBe(42);
    expect(hardware.modify(handle(hardware), 'reset_error')).toEqual({ cc: 0, status: 0 });
    expect(hardware.inspect(1)).toMatchObject({ error: false, blocked: false });
  });

  it('is left altogether by clearing it, also when registers were still blocked: the log tells in which order', () => {
    const { hardware } = machine();
    hardware.detect(1);
    hardware.modify(handle(hardware), 'reset_error');
    expect(seen(hardware)).toEqual(['error_state', 'notification', 'dma_unblocked', 'load_store_unblocked']);
  });

  it.each(
    [{ mvn: 0x1000 }, { pec: 0x1_0000 }, { pec: -1, disables: 'openly' as const }, { faddr: 1n << 64n }].map(
      (details) => [Object.keys(details).join(), details] as const,
    ),
  )('is not entered by an error that no record can tell of: %s', async (_, details) => {
    const { hardware } = machine();
    const before = hardware.inspect(1);
    expect(codeOf(() => hardware.detect(1, details))).toBe('ERR_PCI_BAD_CCDF_FIELD');
    expect(hardware.inspect(1)).toEqual(before);
    expect(hardware.log).toEqual([]);
    expect(await said(hardware)).toEqual([]);
  });

  it('is none for a measurement event', () => {
    const { hardware } = machine();
    hardware.detect(1, { pec: 0x2a });
    expect(hardware.inspect(1)).toMatchObject({ error: false, blocked: false });
  });

  it('stays for ever after a permanent event', () => {
    const { hardware } = machine();
    hardware.detect(1, { pec: 0x3b });
    expect(hardware.modify(handle(hardware), 'reset_block')).toEqual({ cc: 1, status: 8 });
    const { fh } = hardware.set(handle(hardware), 'disable');
    expect(hardware.set(fh, 'enable').response).toBe(0x106);
    hardware.takeAway(1);
    expect(hardware.inspect(1)!.permanent).toBe(false);
  });

  it('refuses what makes no sense in its state', () => {
    const { hardware } = machine();
    expect(hardware.modify(handle(hardware), 'reset_block')).toEqual({ cc: 1, status: 44 });
    expect(hardware.modify(handle(hardware), 'reset_error')).toEqual({ cc: 1, status: 44 });
    expect(hardware.set(handle(hardware), 'enable').response).toBe(0x102);
    const { fh } = hardware.set(handle(hardware), 'disable');
    expect(hardware.set(fh, 'disable').response).toBe(0x102);
    expect(hardware.modify(fh, 'register_translation')).toEqual({ cc: 1, status: 4 });
    hardware.takeAway(1);
    expect(hardware.set(fh, 'enable').response).toBe(0x102);
  });
});

describe('DMA', () => {
  it.each([
    ['what is mapped', 0x1_0000_0000n, 'done', undefined],
    ['the last byte of it', 0x1_0000_1fffn, 'done', undefined],
    ['what is not mapped', 0x1_0000_2000n, 'fault', 4],
    ['below the aperture', 0x1000n, 'fault', 2],
    ['above the aperture', 0x2_0000_0000n, 'blocked', undefined],
  ] as const)('to %s', async (_, address, outcome, pec) => {
    const { hardware } = machine();
    hardware.map(1, 0x1_0000_0000n, 0x2000n);
    expect(hardware.dma(1, { address, write: false })).toBe(outcome);
    const records = (await said(hardware)).map(({ ccdf }) => decodeCcdfError(ccdf));
    expect(records.map((record) => [record.pec, record.faddr, record.rw])).toEqual(pec ? [[pec, address, 0]] : []);
  });

  it('fails at the first page of it that is not mapped', async () => {
    const { hardware } = machine();
    hardware.map(1, 0x1_0000_0000n, 0x1000n);
    expect(hardware.dma(1, { address: 0x1_0000_0800n, length: 0x1000n })).toBe('fault');
    const [record] = await said(hardware);
    expect(decodeCcdfError(record!.ccdf)).toMatchObject({ faddr: 0x1_0000_1000n, rw: 1 });
  });

  it('goes nowhere beyond the end of the aperture, where nobody is told, even if something is mapped there', async () => {
    const { hardware } = machine();
    hardware.map(1, 0x1_ffff_f000n, 0x2000n);
    expect(hardware.dma(1, { address: 0x1_ffff_f800n, length: 0x800n })).toBe('done');
    expect(hardware.dma(1, { address: 0x1_ffff_f800n, length: 0x801n })).toBe('blocked');
    expect(hardware.dma(1, { address: 0x2_0000_0000n })).toBe('blocked');
    expect(await said(hardware)).toEqual([]);
    // What it may not reach before the end is told all the same.
    expect(hardware.dma(1, { address: 0x1_ffff_e000n, length: 0x3000n })).toBe('fault');
    expect((await said(hardware)).map(({ ccdf }) => decodeCcdfError(ccdf).faddr)).toEqual([0x1_ffff_e000n]);
  });

  it('reaches nothing when the mapping is gone, or translation is not registered', () => {
    const { hardware } = machine();
    const mapping = hardware.map(1, 0x1_0000_0000n, 0x1000n);
    hardware.set(hardware.set(handle(hardware), 'disable').fh, 'enable');
    expect(hardware.dma(1, { address: 0x1_0000_0000n })).toBe('blocked');
    hardware.modify(handle(hardware), 'register_translation');
    expect(hardware.dma(1, { address: 0x1_0000_0000n })).toBe('done');
    mapping[Symbol.dispose]();
    expect(hardware.dma(1, { address: 0x1_0000_0000n })).toBe('fault');
  });
});

describe('configuration space', () => {
  it('loses what software wrote by a reset, and has no PCI Express capability (R2.11)', () => {
    const { hardware } = machine();
    hardware.writeConfig(A, 0x04, 2, 0xffff);
    hardware.writeConfig(A, 0x10, 4, 0xffff_ffff);
    hardware.writeConfig(A, 0x42, 2, 0xffff);
    expect(hardware.readConfig(A, 0x04, 2)).toBe(0x0546);
    expect(hardware.readConfig(A, 0x10, 4)).toBe(0xffff_f004);
    expect(hardware.readConfig(A, 0x42, 2)).toBe(0xc003);
    expect(hardware.readConfig(A, 0x40, 2)).toBe(0x0011);
    hardware.set(hardware.set(handle(hardware), 'disable').fh, 'enable');
    expect(hardware.readConfig(A, 0x04, 2)).toBe(0);
    expect(hardware.readConfig(A, 0x10, 4)).toBe(4);
    expect(hardware.readConfig(A, 0x42, 2)).toBe(3);
  });

  it.each([
    [1, 2],
    [2, 4],
    [256, 1],
    [-4, 4],
    [0.5, 1],
  ] as const)('has nothing at offset %d, width %d', (offset, width) => {
    const { hardware } = machine();
    expect(hardware.readConfig(A, offset, width)).toBe(2 ** (8 * width) - 1);
    expect(() => hardware.writeConfig(A, offset, width, 0)).not.toThrow();
  });
});

describe('availability, from outside', () => {
  it('is told with the codes of its events', async () => {
    const { hardware } = machine();
    hardware.requestDeconfiguration(1);
    hardware.takeAway(1);
    hardware.reserve(1);
    hardware.make(1, 'standby');
    hardware.make(1, 'configured');
    hardware.change({ 2: 'standby' });
    hardware.plug({ fid: 9, bdf: '0009:00:00.0' });
    hardware.plug({ fid: 10, bdf: '000a:00:00.0', state: 'standby' });
    const records = (await said(hardware)).map(({ ccdf }) => decodeCcdfAvailability(ccdf));
    expect(records.map(({ pec, fid }) => [pec, fid])).toEqual([
      [AVAILABILITY.DECONFIGURATION_REQUESTED, 1],
      [AVAILABILITY.HARD_DECONFIGURED, 1],
      [AVAILABILITY.RESERVED, 1],
      [AVAILABILITY.STANDBY, 1],
      [AVAILABILITY.CONFIGURED, 1],
      [AVAILABILITY.ANY, 0],
      [AVAILABILITY.CONFIGURED, 9],
      [AVAILABILITY.STANDBY, 10],
    ]);
  });

  it('deconfigures only what is disabled', () => {
    const { hardware } = machine();
    expect(hardware.deconfigure(1)).toBe(false);
    hardware.set(handle(hardware), 'disable');
    expect(hardware.deconfigure(1)).toBe(true);
    expect(hardware.inspect(1)!.state).toBe('standby');
    expect(hardware.deconfigure(99)).toBe(false);
  });
});

describe('a machine', () => {
  const clock = new VirtualClock();

  it.each<[string, FunctionDescription[]]>([
    [
      'an id twice',
      [
        { fid: 1, bdf: '0001:00:00.0' },
        { fid: 1, bdf: '0002:00:00.0' },
      ],
    ],
    [
      'an address twice',
      [
        { fid: 1, bdf: '0001:00:00.0' },
        { fid: 2, bdf: '0001:00:00.0' },
      ],
    ],
    ['an id that is too large', [{ fid: 2 ** 32, bdf: '0001:00:00.0' }]],
    ['an id that is no number', [{ fid: NaN, bdf: '0001:00:00.0' }]],
    ['no address', [{ fid: 1, bdf: 'nowhere' }]],
    ['a vendor that is too large', [{ fid: 1, bdf: '0001:00:00.0', vendor: 0x1_0000 }]],
  ])('cannot have %s', (_, functions) => {
    expect(codeOf(() => simulateZpci({ clock, functions }))).toBe('ERR_PCI_SIM_BAD_MACHINE');
  });

  it('has one consumer of its notifications', async () => {
    const { hardware } = machine();
    const closing = new AbortController();
    const first = hardware.notifications(closing).next();
    const second = hardware.notifications(closing).next();
    await expect(second).rejects.toMatchObject({ code: 'ERR_PCI_SIM_NOTIFICATIONS_TAKEN' });
    closing.abort();
    expect(await first).toMatchObject({ done: true });
  });

  it('keeps as many facts as it was told to, and counts the others', () => {
    const { hardware } = machine({ log: { limit: 10 } });
    for (let count = 0; count < 35; count++) hardware.list();
    expect(hardware.log.length + hardware.logDropped).toBe(35);
    expect(hardware.log.length).toBeLessThan(20);
    const none = machine({ log: { limit: 0 } }).hardware;
    none.detect(1);
    expect(none.log).toEqual([]);
  });
});

import { parseBdf } from '@pci-recovery/core';
import { AER } from '@pci-recovery/pci';
import fc from 'fast-check';
import { AerCounters } from '../../src/platform/counters.js';
import { host, writeAer, type Machine } from './host.js';

const root = parseBdf('00:06.0');
const bdf = parseBdf('01:00.0');
const MACHINE: Machine = { rootPorts: [{ kind: 'root_port', bdf: root, below: [{ kind: 'endpoint', bdf }] }] };

const counted = (counters: Float64Array): [bit: number, count: number][] =>
  Array.from(counters, (count, bit): [number, number] => [bit, count]).filter(([, count]) => count > 0);

describe('counters of a function (aer.c:pci_dev_aer_stats_incr)', () => {
  it('are not there before its first error', () => {
    expect(host(MACHINE).platform.counters.of(bdf)).toBeUndefined();
  });

  it('count one record in the total and each of its unmasked bits', () => {
    const { hardware, platform } = host(MACHINE);
    writeAer(hardware, bdf, AER.UNCOR_MASK, 1 << 15);
    hardware.detect(bdf, { uncorrectable: ['COMP_TIME', 'COMP_ABORT', 'POISON_TLP'] });
    platform.interrupted(root);
    const counters = platform.counters.of(bdf)!;
    expect(counters.totals).toEqual({ correctable: 0, nonfatal: 1, fatal: 0 });
    expect(counted(counters.nonfatal)).toEqual([
      [12, 1],
      [14, 1],
    ]);
    expect(counted(counters.fatal)).toEqual([]);
  });

  it('count a fatal error that could not be read in the total only', () => {
    const { hardware, platform } = host(MACHINE);
    hardware.detect(bdf, { error: 'MALF_TLP' });
    platform.interrupted(root);
    expect(platform.counters.of(bdf)!.totals).toEqual({ correctable: 0, nonfatal: 0, fatal: 1 });
    expect(counted(platform.counters.of(bdf)!.fatal)).toEqual([]);
  });

  it('count an advisory error as correctable and as non-fatal (aer.c:aer_print_error)', () => {
    const { hardware, platform } = host(MACHINE);
    writeAer(hardware, bdf, AER.COR_MASK, 0);
    hardware.detect(bdf, { error: 'UNSUP', advisory: true });
    platform.interrupted(root);
    const counters = platform.counters.of(bdf)!;
    expect(counters.totals).toEqual({ correctable: 1, nonfatal: 1, fatal: 0 });
    expect(counted(counters.correctable)).toEqual([[13, 1]]);
    expect(counted(counters.nonfatal)).toEqual([[20, 1]]);
  });

  it('have room for 16 correctable and 32 uncorrectable errors, each counted by its bit number', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { maxLength: 20 }), (statuses) => {
        for (const severity of ['correctable', 'nonfatal', 'fatal'] as const) {
          const counters = new AerCounters();
          for (const status of statuses) counters.count(bdf, { severity, status, mask: 0, advisory: 0 });
          const bits = severity === 'correctable' ? 16 : 32;
          const expected = Array.from({ length: bits }, (_, bit) => statuses.filter((one) => (one >>> bit) & 1).length);
          expect([...(counters.of(bdf)?.[severity] ?? new Float64Array(bits))]).toEqual(expected);
        }
      }),
    );
  });
});

describe('counters of a root port or event collector (aer.c:pci_rootport_aer_stats_incr)', () => {
  it('count what its status said at each interrupt, traced or not', () => {
    const { hardware, platform } = host(MACHINE);
    expect(platform.counters.receivedBy(root)).toBeUndefined();
    hardware.detect(bdf, { error: 'BAD_TLP' });
    hardware.detect(bdf, { error: 'COMP_TIME' });
    hardware.detect(bdf, { error: 'COMP_TIME' });
    platform.interrupted(root);
    hardware.detect(bdf, { error: 'MALF_TLP' });
    hardware.detect(bdf, { error: 'COMP_ABORT' });
    platform.interrupted(root);
    platform.interrupted(root);
    expect(platform.counters.receivedBy(root)).toEqual({ correctable: 1, nonfatal: 1, fatal: 1 });
    expect(platform.counters.receivedBy(bdf)).toBeUndefined();
  });
});

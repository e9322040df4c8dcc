import { parseBdf } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { simulate, type SimulatedHardware } from '../../src/sim/index.js';
import { aer, AER, AT, bigMachine, setAer } from './machines.js';

const HEADER = (n: number): number[] => [n, n + 1, n + 2, n + 3];
const log = (hardware: SimulatedHardware, bdf = AT.endpoint): number[] =>
  [0, 4, 8, 12].map((at) => aer(hardware, bdf, AER.HEADER_LOG + at));
const pointer = (hardware: SimulatedHardware, bdf = AT.endpoint): number => aer(hardware, bdf, AER.CAP_CONTROL) & 0x1f;

describe('first error pointer and header log (PCIe §6.2.4.2)', () => {
  it('hold the first unmasked uncorrectable error until its status is cleared', () => {
    const { hardware } = bigMachine();
    hardware.detect(AT.endpoint, { error: 'MALF_TLP', header: HEADER(10) });
    hardware.detect(AT.endpoint, { error: 'COMP_TIME', header: HEADER(20) });
    expect([pointer(hardware), log(hardware)]).toEqual([18, HEADER(10)]);
    setAer(hardware, AT.endpoint, AER.UNCOR_STATUS, 1 << 14);
    hardware.detect(AT.endpoint, { error: 'POISON_TLP', header: HEADER(30) });
    expect([pointer(hardware), log(hardware)]).toEqual([18, HEADER(10)]);
    setAer(hardware, AT.endpoint, AER.UNCOR_STATUS, 1 << 18);
    expect(pointer(hardware)).toBe(0);
    hardware.detect(AT.endpoint, { error: 'COMP_TIME', header: HEADER(40) });
    expect([pointer(hardware), log(hardware)]).toEqual([14, HEADER(40)]);
  });

  it('take no notice of masked and of correctable errors', () => {
    const { hardware } = bigMachine();
    setAer(hardware, AT.endpoint, AER.UNCOR_MASK, 1 << 14);
    hardware.detect(AT.endpoint, { error: 'COMP_TIME', header: HEADER(1) });
    hardware.detect(AT.endpoint, { error: 'BAD_TLP', header: HEADER(2) });
    expect([pointer(hardware), log(hardware)]).toEqual([0, [0, 0, 0, 0]]);
    hardware.detect(AT.endpoint, { error: 'MALF_TLP', header: HEADER(3) });
    expect([pointer(hardware), log(hardware)]).toEqual([18, HEADER(3)]);
  });

  it('fill up a short header with zeros', () => {
    const { hardware } = bigMachine();
    hardware.detect(AT.endpoint, { error: 'MALF_TLP', header: [7] });
    expect(log(hardware)).toEqual([7, 0, 0, 0]);
  });

  it('take two errors of one TLP as one: the lowest bit', () => {
    const { hardware } = bigMachine();
    hardware.detect(AT.endpoint, { uncorrectable: [18, 12, 20], header: HEADER(5) });
    expect([pointer(hardware), log(hardware)]).toEqual([12, HEADER(5)]);
  });
});

const BDF = parseBdf('01:00.0');
const with_ = (more: object): SimulatedHardware =>
  simulate({
    clock: new VirtualClock(),
    rootPorts: [{ kind: 'root_port', bdf: '00:01.0', below: [{ kind: 'endpoint', bdf: '01:00.0', ...more }] }],
  });

describe('TLP prefix log (PCIe §7.8.4.12)', () => {
  it('holds the prefixes of the first error, and says when it does', () => {
    const hardware = with_({ prefixLog: true });
    hardware.detect(BDF, { error: 'MALF_TLP', header: HEADER(1), prefixes: [0x8e00_0001, 0x8e00_0002] });
    expect(aer(hardware, BDF, AER.CAP_CONTROL) & 0x800).toBe(0x800);
    expect([0, 4, 8].map((at) => aer(hardware, BDF, AER.PREFIX_LOG + at))).toEqual([0x8e00_0001, 0x8e00_0002, 0]);
    setAer(hardware, BDF, AER.UNCOR_STATUS, 0xffff_ffff);
    hardware.detect(BDF, { error: 'MALF_TLP' });
    expect(aer(hardware, BDF, AER.CAP_CONTROL) & 0x800).toBe(0);
  });

  it('is not there by default: what comes behind stays untouched', () => {
    const hardware = with_({});
    hardware.detect(BDF, { error: 'MALF_TLP', prefixes: [1, 2, 3, 4] });
    expect([0, 4, 8, 12].map((at) => aer(hardware, BDF, AER.PREFIX_LOG + at))).toEqual([0, 0, 0, 0]);
  });
});

describe('Multiple Header Recording (PCIe §6.2.4.2)', () => {
  const ENABLE = 1 << 10;

  it('is off until software enables it', () => {
    const hardware = with_({ headerRecords: 3 });
    expect(aer(hardware, BDF, AER.CAP_CONTROL) & 0x200).toBe(0x200);
    hardware.detect(BDF, { error: 'MALF_TLP', header: HEADER(1) });
    hardware.detect(BDF, { error: 'COMP_TIME', header: HEADER(2) });
    setAer(hardware, BDF, AER.UNCOR_STATUS, 1 << 18);
    expect([pointer(hardware, BDF), aer(hardware, BDF, AER.UNCOR_STATUS)]).toEqual([0, 1 << 14]);
  });

  it('shows one error after the other as each is served, the same one twice if it came twice', () => {
    const hardware = with_({ headerRecords: 3 });
    setAer(hardware, BDF, AER.CAP_CONTROL, ENABLE);
    hardware.detect(BDF, { error: 'MALF_TLP', header: HEADER(10) });
    hardware.detect(BDF, { error: 'COMP_TIME', header: HEADER(20) });
    hardware.detect(BDF, { error: 'MALF_TLP', header: HEADER(30) });
    const seen: unknown[] = [];
    for (let n = 0; n < 4; n++) {
      const status = aer(hardware, BDF, AER.UNCOR_STATUS);
      seen.push([status, pointer(hardware, BDF), log(hardware, BDF)[0]]);
      setAer(hardware, BDF, AER.UNCOR_STATUS, (1 << pointer(hardware, BDF)) >>> 0);
    }
    const [malformed, timeout] = [1 << 18, 1 << 14];
    expect(seen).toEqual([
      [malformed | timeout, 18, 10],
      [malformed | timeout, 14, 20],
      [malformed, 18, 30],
      [0, 0, 30],
    ]);
  });

  it('reports an overflow as a correctable error when that is not masked', () => {
    const hardware = with_({ headerRecords: 2 });
    setAer(hardware, BDF, AER.CAP_CONTROL, ENABLE);
    setAer(hardware, BDF, AER.COR_MASK, 0);
    hardware.detect(BDF, { error: 'MALF_TLP' });
    expect(hardware.detect(BDF, { error: 'COMP_TIME' }).map(({ message }) => message)).toEqual(['ERR_NONFATAL']);
    expect(hardware.detect(BDF, { error: 'POISON_TLP' }).map(({ message }) => message)).toEqual([
      'ERR_COR',
      'ERR_NONFATAL',
    ]);
    expect(aer(hardware, BDF, AER.COR_STATUS)).toBe(1 << 15);
  });

  it('cannot be enabled where it is not implemented', () => {
    const hardware = with_({});
    setAer(hardware, BDF, AER.CAP_CONTROL, ENABLE);
    expect(aer(hardware, BDF, AER.CAP_CONTROL) & ENABLE).toBe(0);
  });
});

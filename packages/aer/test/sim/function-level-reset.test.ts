import { type Bdf } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { simulate, type SimulatedHardware } from '../../src/sim/index.js';
import {
  aer,
  AER,
  AT,
  bigMachine,
  facts,
  pcie,
  resetBus,
  setPcie,
  answers,
  whoWasReset,
  slow,
  type Bench,
} from './machines.js';

describe('Function Level Reset (PCIe §6.6.2)', () => {
  const flr = (hardware: SimulatedHardware, bdf: Bdf): void =>
    setPcie(hardware, bdf, 0x08, pcie(hardware, bdf, 0x08) | 0x8000);

  it.each([AT.endpoint, AT.leaf2, AT.rciep, AT.rcec, AT.vf0])('resets %s and nobody else', (bdf) => {
    const { hardware } = bigMachine();
    flr(hardware, bdf);
    expect(whoWasReset(hardware)).toEqual([bdf]);
    expect(facts(hardware, 'flr').map((fact) => fact.bdf)).toEqual([bdf]);
    expect(pcie(hardware, bdf, 0x08) & 0x8000).toBe(0);
  });

  it('keeps sticky bits, the payload size and link control; takes the rest', () => {
    const { hardware } = bigMachine();
    hardware.detect(AT.endpoint, { error: 'MALF_TLP' });
    setPcie(hardware, AT.endpoint, 0x08, 0x0020 | 0xf);
    setPcie(hardware, AT.endpoint, 0x10, 0x0041);
    flr(hardware, AT.endpoint);
    expect(aer(hardware, AT.endpoint, AER.UNCOR_STATUS)).toBe(1 << 18);
    expect(pcie(hardware, AT.endpoint, 0x08)).toBe(0x2810 | 0x20);
    expect(pcie(hardware, AT.endpoint, 0x10)).toBe(0x0041);
    expect(hardware.readConfig(AT.endpoint, 0x04, 2)).toBe(0);
  });

  it('a hot reset does take payload size and link control', () => {
    const bench = bigMachine();
    setPcie(bench.hardware, AT.endpoint, 0x08, 0x0020);
    setPcie(bench.hardware, AT.endpoint, 0x10, 0x0041);
    resetBus(bench, AT.root);
    expect([pcie(bench.hardware, AT.endpoint, 0x08), pcie(bench.hardware, AT.endpoint, 0x10)]).toEqual([0x2810, 0]);
  });

  it('takes its time', () => {
    const { clock, hardware } = slow();
    flr(hardware, AT.endpoint);
    clock.advance(49);
    expect(answers(hardware, AT.endpoint)).toBe(false);
    expect(answers(hardware, AT.sibling)).toBe(true);
    clock.advance(1);
    expect(answers(hardware, AT.endpoint)).toBe(true);
  });

  it('is nothing where it is not implemented, nor on bridges', () => {
    const clock = new VirtualClock();
    const hardware = simulate({
      clock,
      rootPorts: [{ kind: 'root_port', bdf: AT.root, below: [{ kind: 'endpoint', bdf: AT.endpoint, flr: false }] }],
    });
    flr(hardware, AT.endpoint);
    const big = bigMachine().hardware;
    for (const bdf of [AT.root, AT.upstream, AT.down1]) flr(big, bdf);
    flr(big, AT.pciBridge);
    expect(whoWasReset(hardware)).toEqual([]);
    expect(whoWasReset(big)).toEqual([]);
    expect(pcie(big, AT.pciBridge, 0x08) & 0x8000).toBe(0x8000);
  });

  it('does not reach a function that does not answer (R2.9)', () => {
    const { hardware } = bigMachine();
    hardware.freeze(AT.endpoint);
    setPcie(hardware, AT.endpoint, 0x08, 0x8000);
    expect(facts(hardware, 'flr')).toEqual([]);
  });
});

describe('virtual functions and resets', () => {
  it.each([
    ['a bus reset', (bench: Bench) => resetBus(bench, AT.vfRoot)],
    ['a function level reset', ({ hardware }: Bench) => setPcie(hardware, AT.pf, 0x08, 0x8000)],
  ])('are gone after %s of their physical function, until it enables them again (PCIe §9.2.2)', (_, reset) => {
    const bench = bigMachine();
    const { hardware } = bench;
    hardware.detect(AT.vf0, { error: 'COMP_TIME' });
    reset(bench);
    expect([answers(hardware, AT.vf0), answers(hardware, AT.vf1)]).toEqual([false, false]);
    const sriov = 0x12c;
    expect(hardware.readConfig(AT.pf, sriov, 2)).toBe(0x0010);
    hardware.writeConfig(AT.pf, sriov + 0x10, 2, 1);
    hardware.writeConfig(AT.pf, sriov + 8, 2, 1);
    expect([answers(hardware, AT.vf0), answers(hardware, AT.vf1)]).toEqual([true, false]);
    expect(aer(hardware, AT.vf0, AER.UNCOR_STATUS)).toBe(0);
    hardware.detect(AT.vf0, { error: 'UNX_COMP', header: [7, 8, 9, 10] });
    expect(aer(hardware, AT.vf0, AER.CAP_CONTROL) & 0x1f).toBe(16);
    expect(aer(hardware, AT.vf0, AER.HEADER_LOG)).toBe(7);
    const enabled = hardware.log.filter(({ kind }) => kind === 'virtual_functions');
    expect(enabled).toMatchObject([{ bdf: AT.pf, enabled: 1 }]);
  });

  it('a reset of one does not touch the others nor the physical function (R3.9)', () => {
    const { hardware } = bigMachine();
    setPcie(hardware, AT.vf0, 0x08, 0x8000);
    expect(whoWasReset(hardware)).toEqual([AT.vf0]);
    expect(answers(hardware, AT.vf1)).toBe(true);
  });
});

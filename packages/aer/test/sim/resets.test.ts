import { type Bdf } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { simulate } from '../../src/sim/index.js';
import {
  aer,
  AER,
  AT,
  bigDescription,
  bigMachine,
  facts,
  pcie,
  resetBus,
  setAer,
  setPcie,
  answers,
  linkActive,
  assertReset,
  whoWasReset,
  renumber,
  slow,
  type Bench,
} from './machines.js';

describe('Secondary Bus Reset (PCIe §6.6.1, §7.5.1.3.10)', () => {
  it('holds everything below in reset, link down, while it is asserted: reads give all ones, writes are lost', () => {
    const { hardware } = bigMachine();
    assertReset(hardware, AT.switchRoot);
    for (const bdf of [AT.upstream, AT.down1, AT.down2, AT.leaf1, AT.leaf2]) expect(answers(hardware, bdf)).toBe(false);
    for (const bdf of [AT.switchRoot, AT.root, AT.endpoint]) expect(answers(hardware, bdf)).toBe(true);
    expect(linkActive(hardware, AT.switchRoot)).toBe(false);
    hardware.writeConfig(AT.upstream, 0x0c, 1, 0x10);
    hardware.writeConfig(AT.switchRoot, 0x3e, 2, 2);
    expect(hardware.readConfig(AT.upstream, 0x0c, 1)).toBe(0);
    expect(linkActive(hardware, AT.switchRoot)).toBe(true);
  });

  it('resets everything below once, and nothing else', () => {
    const bench = bigMachine();
    resetBus(bench, AT.switchRoot);
    expect(whoWasReset(bench.hardware).sort()).toEqual([AT.upstream, AT.down1, AT.down2, AT.leaf1, AT.leaf2].sort());
  });

  it.each([
    [AT.root, [AT.endpoint, AT.sibling]],
    [AT.upstream, [AT.down1, AT.down2, AT.leaf1, AT.leaf2]],
    [AT.down1, [AT.leaf1]],
    [AT.pciBridge, [AT.conventional]],
  ])('of %s resets %s', (bridge, below) => {
    const bench = bigMachine();
    resetBus(bench, bridge);
    expect(whoWasReset(bench.hardware).sort()).toEqual([...below].sort());
  });

  it('takes away what is not sticky: command, addresses, Device Control, MSI-X', () => {
    const bench = bigMachine();
    const { hardware } = bench;
    hardware.writeConfig(AT.endpoint, 0x0c, 1, 0x10);
    expect(hardware.readConfig(AT.endpoint, 0x10, 4)).not.toBe(0);
    resetBus(bench, AT.root);
    expect(hardware.readConfig(AT.endpoint, 0x04, 2)).toBe(0);
    expect(hardware.readConfig(AT.endpoint, 0x0c, 1)).toBe(0);
    expect(hardware.readConfig(AT.endpoint, 0x10, 4)).toBe(0);
    expect(pcie(hardware, AT.endpoint, 0x08)).toBe(0x2810);
    expect(hardware.readConfig(AT.endpoint, 0x82, 2)).toBe(7);
    expect(hardware.readConfig(AT.endpoint, 0x00, 4)).toBe(0x1000_1af4);
  });

  it('keeps what is sticky: AER status, masks, severities, first error pointer, header log (PCIe §7.4)', () => {
    const bench = bigMachine();
    const { hardware } = bench;
    setAer(hardware, AT.endpoint, AER.UNCOR_MASK, 1 << 20);
    setAer(hardware, AT.endpoint, AER.UNCOR_SEVERITY, 1 << 18);
    setAer(hardware, AT.endpoint, AER.COR_MASK, 1 << 6);
    hardware.detect(AT.endpoint, { uncorrectable: 'MALF_TLP', correctable: 'RCVR', header: [1, 2, 3, 4] });
    const kept = (): number[] => [...Array(10).keys()].map((n) => aer(hardware, AT.endpoint, 4 + 4 * n));
    const before = kept();
    expect(pcie(hardware, AT.endpoint, 0x0a)).toBe(5);
    resetBus(bench, AT.root);
    expect(kept()).toEqual(before);
    expect(before[0]).toBe(1 << 18);
    expect(pcie(hardware, AT.endpoint, 0x0a)).toBe(0);
  });

  it('still serves the first error after the reset, when its status is cleared', () => {
    const bench = bigMachine();
    const { hardware } = bench;
    hardware.detect(AT.endpoint, { error: 'MALF_TLP', header: [1, 2, 3, 4] });
    resetBus(bench, AT.root);
    hardware.detect(AT.endpoint, { error: 'DLP', header: [5, 6, 7, 8] });
    expect(aer(hardware, AT.endpoint, AER.HEADER_LOG)).toBe(1);
    setAer(hardware, AT.endpoint, AER.UNCOR_STATUS, 0xffff_ffff);
    hardware.detect(AT.endpoint, { error: 'DLP', header: [5, 6, 7, 8] });
    expect(aer(hardware, AT.endpoint, AER.HEADER_LOG)).toBe(5);
  });

  it('leaves the port itself alone, its Root Error Command included', () => {
    const bench = bigMachine();
    resetBus(bench, AT.root);
    expect(aer(bench.hardware, AT.root, AER.ROOT_COMMAND)).toBe(7);
    expect(bench.hardware.readConfig(AT.root, 0x18, 4)).toBe(0x0001_0100);
  });

  it('takes the bus numbers of switch ports: nobody behind them answers until they are written again', () => {
    const bench = bigMachine();
    const { hardware } = bench;
    resetBus(bench, AT.switchRoot);
    const who = (): boolean[] => [AT.upstream, AT.down1, AT.leaf1].map((bdf) => answers(hardware, bdf));
    expect(who()).toEqual([true, false, false]);
    renumber(hardware, AT.upstream);
    expect(who()).toEqual([true, true, false]);
    renumber(hardware, AT.down1, AT.down2);
    expect(who()).toEqual([true, true, true]);
    hardware.writeConfig(AT.switchRoot, 0x1a, 1, 3);
    expect(who()).toEqual([true, true, false]);
    hardware.writeConfig(AT.switchRoot, 0x18, 4, 0x0005_0400);
    expect(who()).toEqual([false, false, false]);
  });

  it('gives every function its time, after the link has had its own (virtual clock)', () => {
    const bench = slow();
    const { clock, hardware } = bench;
    resetBus(bench, AT.root, 2);
    const seen: string[] = [];
    for (let ms = 0; ms <= 100; ms++) {
      const now = [linkActive(hardware, AT.root), answers(hardware, AT.endpoint), answers(hardware, AT.sibling)].join();
      if (!seen.at(-1)?.endsWith(` ${now}`)) seen.push(`${ms} ${now}`);
      clock.advance(1);
    }
    expect(seen).toEqual(['0 false,false,false', '10 true,false,false', '60 true,true,false', '90 true,true,true']);
    expect(hardware.log.filter(({ kind }) => kind === 'ready').map(({ time }) => time / 1e6)).toEqual([62, 92]);
  });

  it('asserted again before they are ready starts over', () => {
    const bench = slow();
    const { clock, hardware } = bench;
    resetBus(bench, AT.root);
    clock.advance(55);
    resetBus(bench, AT.root);
    clock.advance(59);
    expect(answers(hardware, AT.endpoint)).toBe(false);
    clock.advance(1);
    expect(answers(hardware, AT.endpoint)).toBe(true);
  });

  it('is witnessed with how long it was held', () => {
    const bench = bigMachine();
    resetBus(bench, AT.root, 2);
    const kinds = bench.hardware.log.filter(({ bdf, kind }) => bdf === AT.root && kind !== 'config_write');
    expect(kinds.map(({ kind }) => kind)).toEqual([
      'secondary_bus_reset_asserted',
      'link_down',
      'secondary_bus_reset_deasserted',
      'link_up',
    ]);
    expect(kinds[2]).toMatchObject({ held: 2e6, time: 2e6 });
  });

  it('is nothing when the bit is written as it was', () => {
    const { hardware } = bigMachine();
    hardware.writeConfig(AT.root, 0x3e, 2, 2);
    expect(facts(hardware, 'secondary_bus_reset_asserted')).toEqual([]);
    assertReset(hardware, AT.root);
    assertReset(hardware, AT.root);
    expect(facts(hardware, 'secondary_bus_reset_asserted')).toHaveLength(1);
  });
});

describe('a function that is not ready after a reset', () => {
  it('shows vendor id 1 where RRS Software Visibility is enabled (PCIe §2.3.1)', () => {
    const bench = slow();
    const { clock, hardware } = bench;
    resetBus(bench, AT.root);
    expect(hardware.readConfig(AT.endpoint, 0, 4)).toBe(0xffff_ffff);
    clock.advance(10);
    expect(hardware.readConfig(AT.endpoint, 0, 4)).toBe(0xffff_0001);
    expect(hardware.readConfig(AT.endpoint, 0, 2)).toBe(1);
    expect(hardware.readConfig(AT.endpoint, 0, 1)).toBe(0xff);
    expect(hardware.readConfig(AT.endpoint, 4, 4)).toBe(0xffff_ffff);
    setPcie(hardware, AT.root, 0x1c, 0);
    expect(hardware.readConfig(AT.endpoint, 0, 4)).toBe(0xffff_ffff);
  });
});

describe('a link that goes down', () => {
  it('resets what is below and stays down until the bus is reset', () => {
    const bench = bigMachine();
    const { hardware } = bench;
    hardware.linkDown(AT.root);
    expect([answers(hardware, AT.endpoint), linkActive(hardware, AT.root)]).toEqual([false, false]);
    expect(whoWasReset(hardware)).toEqual([AT.endpoint, AT.sibling]);
    bench.clock.advance(10_000);
    expect(answers(hardware, AT.endpoint)).toBe(false);
    resetBus(bench, AT.root);
    expect([answers(hardware, AT.endpoint), linkActive(hardware, AT.root)]).toEqual([true, true]);
  });

  it('does so by Link Disable too, and comes up at its end (PCIe §7.5.3.7)', () => {
    const { hardware } = bigMachine();
    setPcie(hardware, AT.down1, 0x10, 0x10);
    expect([answers(hardware, AT.leaf1), answers(hardware, AT.leaf2)]).toEqual([false, true]);
    setPcie(hardware, AT.down1, 0x10, 0);
    expect(answers(hardware, AT.leaf1)).toBe(true);
    setPcie(hardware, AT.leaf1, 0x10, 0x10);
    expect(answers(hardware, AT.leaf1)).toBe(true);
  });

  it('comes up by Retrain Link, unless Link Disable or a reset holds it', () => {
    const { hardware } = bigMachine();
    hardware.linkDown(AT.root);
    setPcie(hardware, AT.root, 0x10, 0x20);
    expect(answers(hardware, AT.endpoint)).toBe(true);
    expect(pcie(hardware, AT.root, 0x10) & 0x20).toBe(0);
    setPcie(hardware, AT.root, 0x10, 0x10);
    setPcie(hardware, AT.root, 0x10, 0x30);
    expect(answers(hardware, AT.endpoint)).toBe(false);
    resetBus({ clock: new VirtualClock(), hardware }, AT.root);
    expect(answers(hardware, AT.endpoint)).toBe(false);
    hardware.linkUp(AT.root);
    expect(answers(hardware, AT.endpoint)).toBe(false);
  });
});

describe('after a fatal error a function', () => {
  const machine = (onFatal: 'answering' | 'frozen' | 'link_down', bdf: Bdf = AT.endpoint): Bench => {
    const clock = new VirtualClock();
    const [root] = bigDescription(clock).rootPorts!;
    const below = root!.below!.map((fn) => (fn.bdf === bdf ? { ...fn, onFatal } : fn));
    return { clock, hardware: simulate({ clock, rootPorts: [{ ...root!, below }] }) };
  };

  it.each([
    ['answering', [true, true]],
    ['frozen', [false, true]],
    ['link_down', [false, false]],
  ] as const)('described as %s: who of its device answers is %s', (onFatal, wanted) => {
    const bench = machine(onFatal);
    const { hardware } = bench;
    expect(hardware.detect(AT.endpoint, { error: 'COMP_TIME' })).toHaveLength(1);
    expect([AT.endpoint, AT.sibling].map((bdf) => answers(hardware, bdf))).toEqual([true, true]);
    expect(hardware.detect(AT.endpoint, { error: 'MALF_TLP' })[0]?.received).toBe(true);
    expect([AT.endpoint, AT.sibling].map((bdf) => answers(hardware, bdf))).toEqual(wanted);
    resetBus(bench, AT.root);
    expect([AT.endpoint, AT.sibling].map((bdf) => answers(hardware, bdf))).toEqual([true, true]);
    expect(aer(hardware, AT.endpoint, AER.UNCOR_STATUS)).toBe((1 << 18) | (1 << 14));
  });

  it('stays as it was when the error is masked', () => {
    const { hardware } = machine('frozen');
    setAer(hardware, AT.endpoint, AER.UNCOR_MASK, 0xffff_ffff);
    hardware.detect(AT.endpoint, { error: 'MALF_TLP' });
    expect(answers(hardware, AT.endpoint)).toBe(true);
  });
});

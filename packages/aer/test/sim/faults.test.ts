import { type Bdf } from '@pci-recovery/core';
import { type SimulatedHardware } from '../../src/sim/index.js';
import { aer, AER, AT, bigMachine, codeOf, facts, pcie, resetBus, setAer, setPcie } from './machines.js';

const answers = (hardware: SimulatedHardware, bdf: Bdf): boolean => hardware.answers(bdf);

describe('scripted faults of hardware', () => {
  it('never_ready: the function never answers after a reset', () => {
    const bench = bigMachine();
    bench.hardware.script({ fault: 'never_ready', bdf: AT.endpoint, times: 1 });
    expect(answers(bench.hardware, AT.endpoint)).toBe(true);
    resetBus(bench, AT.root);
    bench.clock.advance(1e6);
    expect([AT.endpoint, AT.sibling].map((bdf) => answers(bench.hardware, bdf))).toEqual([false, true]);
    resetBus(bench, AT.root);
    expect(answers(bench.hardware, AT.endpoint)).toBe(true);
  });

  it('ready_after: it answers later', () => {
    const bench = bigMachine();
    bench.hardware.script({ fault: 'ready_after', bdf: AT.endpoint, ms: 700 });
    resetBus(bench, AT.root);
    bench.clock.advance(699);
    expect(answers(bench.hardware, AT.endpoint)).toBe(false);
    bench.clock.advance(1);
    expect(answers(bench.hardware, AT.endpoint)).toBe(true);
  });

  it('link_stays_down: the link does not come up', () => {
    const bench = bigMachine();
    bench.hardware.script({ fault: 'link_stays_down', bdf: AT.root, times: 1 });
    resetBus(bench, AT.root);
    expect(pcie(bench.hardware, AT.root, 0x12) & 0x2000).toBe(0);
    expect(answers(bench.hardware, AT.endpoint)).toBe(false);
    resetBus(bench, AT.root);
    expect(answers(bench.hardware, AT.endpoint)).toBe(true);
  });

  it('reset_ignored: the bit is set and nothing happens, which the witness knows', () => {
    const bench = bigMachine();
    const { hardware } = bench;
    hardware.script({ fault: 'reset_ignored', bdf: AT.root, times: 1 });
    hardware.script({ fault: 'reset_ignored', bdf: AT.sibling });
    resetBus(bench, AT.root);
    setPcie(hardware, AT.sibling, 0x08, 0x8000);
    expect(hardware.readConfig(AT.endpoint, 4, 2)).toBe(6);
    expect(facts(hardware, 'function_reset')).toEqual([]);
    expect(facts(hardware, 'secondary_bus_reset_asserted')).toEqual([]);
    expect(facts(hardware, 'secondary_bus_reset_deasserted')).toEqual([]);
    expect(facts(hardware, 'reset_ignored')).toHaveLength(2);
    resetBus(bench, AT.root);
    expect(hardware.readConfig(AT.endpoint, 4, 2)).toBe(0);
  });

  it.each([true, false])('removed_at_access: gone as the nth access arrives (noticed %s)', (noticed) => {
    const { hardware } = bigMachine();
    hardware.script({ fault: 'removed_at_access', bdf: AT.endpoint, access: 3, noticed });
    const reads = [...Array(4).keys()].map(() => hardware.readConfig(AT.endpoint, 4, 2));
    expect(reads).toEqual([6, 6, 0xffff, 0xffff]);
    expect(hardware.topology.get(AT.endpoint) === undefined).toBe(noticed);
    expect(facts(hardware, 'removed').map(({ bdf }) => bdf)).toEqual([AT.endpoint]);
  });

  it('removed_at_reset: gone as the nth reset arrives, with everything below', () => {
    const bench = bigMachine();
    const { hardware } = bench;
    hardware.script({ fault: 'removed_at_reset', bdf: AT.upstream, reset: 2 });
    resetBus(bench, AT.switchRoot);
    expect(answers(hardware, AT.upstream)).toBe(true);
    resetBus(bench, AT.switchRoot);
    expect(answers(hardware, AT.upstream)).toBe(false);
    expect(facts(hardware, 'removed')).toHaveLength(5);
    expect(pcie(hardware, AT.switchRoot, 0x12) & 0x2000).toBe(0);
  });

  it('silent_from_access: all ones and lost writes from the nth access on, for as many as said', () => {
    const { hardware } = bigMachine();
    hardware.script({ fault: 'silent_from_access', bdf: AT.endpoint, access: 2, times: 2 });
    expect(hardware.readConfig(AT.endpoint, 4, 2)).toBe(6);
    expect(hardware.readConfig(AT.endpoint, 4, 2)).toBe(0xffff);
    hardware.writeConfig(AT.endpoint, 4, 2, 0);
    expect(hardware.readConfig(AT.endpoint, 4, 2)).toBe(6);
  });

  it('stuck_bits: status that writing does not clear', () => {
    const { hardware } = bigMachine();
    hardware.detect(AT.endpoint, { uncorrectable: [18, 14] });
    const script = hardware.script({ fault: 'stuck_bits', bdf: AT.endpoint, offset: 0x104, bits: 1 << 18 });
    setAer(hardware, AT.endpoint, AER.UNCOR_STATUS, 0xffff_ffff);
    expect(aer(hardware, AT.endpoint, AER.UNCOR_STATUS)).toBe(1 << 18);
    script[Symbol.dispose]();
    setAer(hardware, AT.endpoint, AER.UNCOR_STATUS, 0xffff_ffff);
    expect(aer(hardware, AT.endpoint, AER.UNCOR_STATUS)).toBe(0);
  });

  it('stuck_bits: a control bit that cannot be set', () => {
    const { hardware } = bigMachine();
    hardware.script({ fault: 'stuck_bits', bdf: AT.root, offset: 0x3e, bits: 0x40 << 16 });
    hardware.writeConfig(AT.root, 0x3e, 2, 0x43);
    expect(hardware.readConfig(AT.root, 0x3e, 2)).toBe(0x03);
    expect(facts(hardware, 'secondary_bus_reset_asserted')).toEqual([]);
  });

  it('error_when_ready: the same trouble again after every reset', () => {
    const bench = bigMachine();
    const { hardware } = bench;
    hardware.writeConfig(AT.endpoint, 4, 2, 0x100);
    hardware.script({ fault: 'error_when_ready', bdf: AT.endpoint, detection: { error: 'MALF_TLP' }, times: 2 });
    for (let n = 0; n < 3; n++) resetBus(bench, AT.root);
    expect(facts(hardware, 'error_detected')).toHaveLength(2);
  });

  it('message_lost and interrupt_lost: the report does not arrive, its status stays', () => {
    const { hardware } = bigMachine();
    hardware.script({ fault: 'message_lost', bdf: AT.endpoint, times: 1 });
    hardware.script({ fault: 'interrupt_lost', bdf: AT.root, times: 1 });
    expect(hardware.detect(AT.endpoint, { error: 'MALF_TLP' })[0]?.received).toBe(false);
    expect(aer(hardware, AT.endpoint, AER.UNCOR_STATUS)).toBe(1 << 18);
    expect(aer(hardware, AT.root, AER.ROOT_STATUS)).toBe(0);
    expect(hardware.detect(AT.endpoint, { error: 'MALF_TLP' })[0]?.received).toBe(true);
    expect(aer(hardware, AT.root, AER.ROOT_STATUS)).not.toBe(0);
    expect(facts(hardware, 'interrupt')).toEqual([]);
    expect(facts(hardware, 'interrupt_lost')).toHaveLength(1);
  });

  it('a disposed script does nothing', () => {
    const bench = bigMachine();
    for (const fault of ['never_ready', 'reset_ignored'] as const)
      bench.hardware.script({ fault, bdf: AT.root })[Symbol.dispose]();
    bench.hardware.script({ fault: 'removed_at_access', bdf: AT.endpoint, access: 1 })[Symbol.dispose]();
    expect(bench.hardware.readConfig(AT.endpoint, 4, 2)).toBe(6);
    resetBus(bench, AT.root);
    expect(bench.hardware.readConfig(AT.endpoint, 4, 2)).toBe(0);
  });

  it('a frozen function answers again after a reset', () => {
    const bench = bigMachine();
    bench.hardware.freeze(AT.endpoint);
    expect(bench.hardware.readConfig(AT.endpoint, 0, 4)).toBe(0xffff_ffff);
    resetBus(bench, AT.root);
    expect(answers(bench.hardware, AT.endpoint)).toBe(true);
  });
});

describe('hot plug', () => {
  it('a removed function is gone, with what was below; its port says so', () => {
    const { hardware } = bigMachine();
    const before = hardware.topology;
    hardware.remove(AT.upstream);
    expect(hardware.topology).not.toBe(before);
    expect(hardware.topology.get(AT.leaf1)).toBeUndefined();
    expect([AT.upstream, AT.leaf1].map((bdf) => answers(hardware, bdf))).toEqual([false, false]);
    expect(pcie(hardware, AT.switchRoot, 0x12) & 0x2000).toBe(0);
    expect(hardware.topology.get(AT.switchRoot)).toBeDefined();
  });

  it('the topology stays the same object while nothing changes', () => {
    const { hardware } = bigMachine();
    expect(hardware.topology).toBe(hardware.topology);
  });

  it('unnoticed, software still believes in it', () => {
    const { hardware } = bigMachine();
    hardware.remove(AT.endpoint, { noticed: false });
    expect(hardware.topology.get(AT.endpoint)).toBeDefined();
    expect(answers(hardware, AT.endpoint)).toBe(false);
    expect(pcie(hardware, AT.root, 0x12) & 0x2000).toBe(0x2000);
  });

  it('a reset does not bring a removed function back', () => {
    const bench = bigMachine();
    bench.hardware.remove(AT.endpoint);
    bench.hardware.remove(AT.sibling);
    resetBus(bench, AT.root);
    expect(answers(bench.hardware, AT.endpoint)).toBe(false);
    expect(pcie(bench.hardware, AT.root, 0x12) & 0x2000).toBe(0);
  });

  it('plugged in again, the address has a new generation and fresh registers', () => {
    const { hardware } = bigMachine();
    hardware.detect(AT.endpoint, { error: 'MALF_TLP' });
    hardware.remove(AT.endpoint);
    hardware.plug(AT.root, { kind: 'endpoint', bdf: AT.endpoint });
    expect([AT.endpoint, AT.sibling].map((bdf) => hardware.generationOf(bdf))).toEqual([1, 0]);
    expect(aer(hardware, AT.endpoint, AER.UNCOR_STATUS)).toBe(0);
    expect(answers(hardware, AT.endpoint)).toBe(true);
    expect(hardware.topology.get(AT.endpoint)).toBeDefined();
    hardware.detect(AT.endpoint, { error: 'MALF_TLP' });
    expect(aer(hardware, AT.root, AER.ERROR_SOURCE) >>> 16).toBe(0x0100);
  });

  it('a whole switch can be plugged in', () => {
    const { hardware } = bigMachine();
    hardware.remove(AT.upstream);
    const below = { kind: 'endpoint', bdf: AT.leaf1 } as const;
    hardware.plug(AT.switchRoot, {
      kind: 'upstream_port',
      bdf: AT.upstream,
      below: [{ kind: 'downstream_port', bdf: AT.down1, below: [below] }],
    });
    expect([AT.upstream, AT.down1, AT.leaf1, AT.leaf2].map((bdf) => answers(hardware, bdf))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(hardware.generationOf(AT.leaf1)).toBe(1);
  });

  it.each<[string, Bdf, object]>([
    ['where one is', AT.root, { kind: 'endpoint', bdf: AT.endpoint }],
    ['on another bus', AT.root, { kind: 'endpoint', bdf: '0000:55:00.0' }],
    ['below an endpoint', AT.endpoint, { kind: 'endpoint', bdf: '0000:55:00.0' }],
    ['of a kind that cannot be there', AT.root, { kind: 'rciep', bdf: '0000:01:02.0' }],
  ])('a function %s is refused', (_, port, description) => {
    const { hardware } = bigMachine();
    const code = codeOf(() => hardware.plug(port, description as never));
    expect(code).toBe('ERR_PCI_SIM_BAD_MACHINE');
  });
});

describe('the log', () => {
  it('says what was written, and whether anybody answered', () => {
    const { hardware } = bigMachine();
    hardware.writeConfig(AT.endpoint, 0x0c, 1, 0x110);
    hardware.writeConfig(AT.absent, 4, 2, 7);
    expect(hardware.log).toEqual([
      { time: 0, bdf: AT.endpoint, kind: 'config_write', offset: 0x0c, width: 1, value: 0x10, answered: true },
      { time: 0, bdf: AT.absent, kind: 'config_write', offset: 4, width: 2, value: 7, answered: false },
    ]);
  });

  it('says what was read when it is asked to', () => {
    const { hardware } = bigMachine({ log: { configReads: true, configWrites: false } });
    hardware.readConfig(AT.endpoint, 4, 2);
    hardware.readConfig(AT.absent, 4, 2);
    hardware.writeConfig(AT.endpoint, 4, 2, 0);
    expect(hardware.log).toMatchObject([
      { kind: 'config_read', value: 6, answered: true },
      { kind: 'config_read', value: 0xffff, answered: false },
    ]);
  });

  it('keeps the newest facts within its limit, and counts what it dropped', () => {
    const { hardware } = bigMachine({ log: { limit: 10 } });
    for (let n = 0; n < 25; n++) hardware.writeConfig(AT.endpoint, 0x0c, 1, n);
    expect(hardware.log.length + hardware.logDropped).toBe(25);
    expect(hardware.log.length).toBeLessThan(20);
    expect(hardware.log.at(-1)).toMatchObject({ value: 24 });
  });

  it('is plain data, in the order of time', () => {
    const bench = bigMachine();
    bench.hardware.detect(AT.endpoint, { error: 'MALF_TLP' });
    resetBus(bench, AT.root);
    bench.hardware.uevent(AT.endpoint, 'BEGIN_RECOVERY');
    expect(JSON.parse(JSON.stringify(bench.hardware.log))).toEqual(bench.hardware.log);
    const times = bench.hardware.log.map(({ time }) => time);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(bench.hardware.log.at(-1)).toMatchObject({ kind: 'uevent', event: 'BEGIN_RECOVERY' });
  });

  it('can be switched off', () => {
    const bench = bigMachine({ log: { limit: 0 } });
    resetBus(bench, AT.root);
    expect(bench.hardware.log).toEqual([]);
  });
});

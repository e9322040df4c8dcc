import { type SimulatedHardware } from '../../src/sim/index.js';
import { AT, bigMachine, resetBus, setPcie, assertReset, type Bench } from './machines.js';

describe('the MSI-X table (R5.1)', () => {
  const TABLE = 0x1000;
  const table = (hardware: SimulatedHardware): number[] =>
    [...Array(32).keys()].map((n) => hardware.readMemory(AT.endpoint, 0, TABLE + 4 * n));
  const enableMemory = (hardware: SimulatedHardware): void => hardware.writeConfig(AT.endpoint, 4, 2, 6);
  const EMPTY = Array(8).fill([0, 0, 0, 1]).flat();

  it.each<[string, (bench: Bench) => void]>([
    ['a bus reset', (bench) => resetBus(bench, AT.root)],
    ['a function level reset', ({ hardware }) => setPcie(hardware, AT.endpoint, 0x08, 0x8000)],
    ['a link that went down', (bench) => (bench.hardware.linkDown(AT.root), bench.hardware.linkUp(AT.root))],
    ['a self test (BIST)', ({ hardware }) => hardware.writeConfig(AT.endpoint, 0x0f, 1, 0x40)],
    ['a backdoor reset', ({ hardware }) => hardware.backdoorReset(AT.endpoint)],
  ])('is cleared and masked by %s', (_, reset) => {
    const bench = bigMachine();
    expect(table(bench.hardware).slice(0, 5)).toEqual([0xfee0_0000, 0, 0x4021, 0, 0xfee0_0000]);
    reset(bench);
    enableMemory(bench.hardware);
    expect(table(bench.hardware)).toEqual(EMPTY);
  });

  it('is lost by a backdoor reset while configuration space shows nothing', () => {
    const { hardware } = bigMachine();
    const before = [...Array(64).keys()].map((n) => hardware.readConfig(AT.endpoint, 4 * n, 4));
    hardware.backdoorReset(AT.endpoint);
    hardware.writeConfig(AT.endpoint, 0x0f, 1, 0x40);
    expect([...Array(64).keys()].map((n) => hardware.readConfig(AT.endpoint, 4 * n, 4))).toEqual(before);
  });

  it('can be written again, and is masked per vector', () => {
    const { hardware } = bigMachine();
    hardware.writeMemory(AT.endpoint, 0, TABLE + 0x18, 0x1234);
    hardware.writeMemory(AT.endpoint, 0, TABLE + 0x1c, 0xffff_ffff);
    expect(table(hardware).slice(4, 8)).toEqual([0xfee0_0000, 0, 0x1234, 1]);
    expect(hardware.readMemory(AT.endpoint, 0, 0)).toBe(0);
    expect(hardware.readMemory(AT.endpoint, 0, 0xc000)).toBe(0);
    expect(hardware.readMemory(AT.endpoint, 1, TABLE)).toBe(0);
  });

  it('does not answer without memory space, in reset, and where nobody is', () => {
    const { hardware } = bigMachine();
    hardware.writeConfig(AT.endpoint, 4, 2, 0);
    hardware.writeMemory(AT.endpoint, 0, TABLE, 1);
    expect(hardware.readMemory(AT.endpoint, 0, TABLE)).toBe(0xffff_ffff);
    expect(hardware.readMemory(AT.absent, 0, TABLE)).toBe(0xffff_ffff);
    enableMemory(hardware);
    expect(hardware.readMemory(AT.endpoint, 0, TABLE)).toBe(0xfee0_0000);
    assertReset(hardware, AT.root);
    expect(hardware.readMemory(AT.endpoint, 0, TABLE)).toBe(0xffff_ffff);
  });

  it('of a virtual function is enabled at the physical function', () => {
    const { hardware } = bigMachine();
    expect(hardware.readMemory(AT.vf0, 0, TABLE)).toBe(0xfee0_0000);
    hardware.writeConfig(AT.pf, 0x12c + 8, 2, 1);
    expect(hardware.readMemory(AT.vf0, 0, TABLE)).toBe(0xffff_ffff);
  });
});

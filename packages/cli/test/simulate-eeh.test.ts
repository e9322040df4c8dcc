import { main } from '../src/main.js';
import { EEH_FAULTS } from '../src/simulation/eeh-faults.js';
import { eehSimulation } from '../src/simulation/eeh.js';
import { capturedIo } from './captured-io.js';

async function shown(fault: string): Promise<string> {
  const io = capturedIo();
  await main(['simulate', '--platform', 'eeh', '--fault', fault], io);
  return io.out();
}

const namesIn = (text: string): string[] =>
  text
    .split('\n')
    .flatMap((line) => /^ *[\d.]+ ms {2}(\S+)/.exec(line)?.[1] ?? [])
    .filter((name, index, all) => name !== all[index - 1]);

describe('simulate --platform eeh', () => {
  it.each(EEH_FAULTS.map((fault) => [fault.name, fault] as const))('%s ends as it is meant to', async (name, fault) => {
    const { outcomes } = await eehSimulation.run(name, { observe: () => undefined });
    expect(outcomes.map(({ result }) => result)).toEqual(Array.from({ length: fault.errors ?? 1 }, () => fault.ends));
  });

  it('says which PE, what broke, and how it was found', async () => {
    expect(await shown('fatal')).toContain('0000:01:00.0  PHB#0-PE#2 (frozen PE, found by a read of all ones)');
  });

  it('shows MMIO thawed before DMA (R4.5), without a reset', async () => {
    const names = namesIn(await shown('nonfatal'));
    expect(names.indexOf('thaw_mmio')).toBeGreaterThan(0);
    expect(names.indexOf('thaw_mmio')).toBeLessThan(names.indexOf('mmio_enabled'));
    expect(names.indexOf('mmio_enabled')).toBeLessThan(names.indexOf('thaw_dma'));
    expect(names).not.toContain('reset');
  });

  it('recovers the newest waiting PE first', async () => {
    const { outcomes } = await eehSimulation.run('last-in-first-out', { observe: () => undefined });
    expect(outcomes.map(({ event }) => event.device.bdf)).toEqual(['0000:01:00.0', '0002:03:00.0', '0001:01:00.0']);
  });
});

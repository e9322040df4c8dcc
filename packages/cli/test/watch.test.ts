import { openDescriptors } from '@pci-recovery/vfio';
import { type AerErrorDescription } from '@pci-recovery/vfio/testing';
import { PciRecoveryError } from '@pci-recovery/core';
import { type KernelPorts } from '../src/live/linux-host.js';
import { watch } from '../src/commands/watch.js';
import { capturedIo } from './captured-io.js';
import { A, B, ORPHANS, scripted } from './scripted-host.js';

/** Turns of the event loop until something holds. */
async function until(holds: () => boolean): Promise<void> {
  for (let turns = 0; !holds(); turns++) {
    if (turns > 5000) throw new Error('It never came.');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

interface Line {
  event: string;
  properties: { event?: { severity: string }; outcome?: { result: string; scope: { members: { bdf: string }[] } } };
}

/** Watches while one function has an error; what was printed. */
async function watched(
  error: AerErrorDescription,
  only: readonly string[] = [],
  orphan = false,
  captured = capturedIo(),
): Promise<Line[]> {
  const stop = new AbortController();
  const io = { ...captured, stop: stop.signal };
  const { kernel, clock, host } = scripted();
  if (orphan) kernel.add(ORPHANS[0]!);
  const code = watch(only, true, io, host);
  await clock.drive(until(() => kernel.log.calls.some(({ call }) => call === 'ueventSocket')));
  clock.advance(0);
  await clock.drive(kernel.error(A, error).play(clock));
  await clock.drive(until(() => only.includes('0000:09:00.0') || io.out().includes('"event":"ended"')));
  stop.abort();
  expect(await clock.drive(code)).toBe(0);
  expect(openDescriptors()).toEqual([]);
  return io
    .out()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
}

describe('watch', () => {
  it.each([
    ['nonfatal', 'recovered'],
    ['fatal', 'recovered'],
    ['correctable', 'ignored'],
  ] as const)('shows a %s error of somebody else, and that it was %s', async (severity, result) => {
    const lines = await watched({ severity });
    expect(lines.find(({ event }) => event === 'received')?.properties.event?.severity).toBe(severity);
    expect(lines.find(({ event }) => event === 'ended')?.properties.outcome?.result).toBe(result);
  });

  it('shows that the kernel gave up', async () => {
    const lines = await watched({ severity: 'fatal' }, [], true);
    expect(lines.find(({ event }) => event === 'ended')?.properties.outcome?.result).toBe('disconnected');
  });

  it('shows only what concerns the functions that were named, and that as a whole', async () => {
    const shown = await watched({ severity: 'nonfatal' }, [B]);
    const members = shown.find(({ event }) => event === 'ended')?.properties.outcome?.scope.members;
    expect(members?.map(({ bdf }) => bdf)).toEqual([A, B]);
    expect(await watched({ severity: 'nonfatal' }, ['0000:09:00.0'])).toEqual([]);
  });

  it('says of a function that is not there that it is not there, and waits for it all the same', async () => {
    const io = capturedIo();
    await watched({ severity: 'nonfatal' }, [A, '0000:09:00.0'], false, io);
    expect(io.err()).toBe(
      'There is no function 0000:09:00.0 here yet (see pci-recovery list --all): it is waited for.\n',
    );
  });

  it('says in a sentence what of the kernel cannot be followed', async () => {
    const io = { ...capturedIo(), stop: AbortSignal.abort() };
    const { clock, host } = scripted();
    const kernel = (): KernelPorts => {
      const refused = new PciRecoveryError('ERR_PCI_TOY', 'There is no such tracer.');
      async function* events(): AsyncGenerator<never> {
        throw refused;
      }
      return { ...host.kernel(), trace: { events } };
    };
    await clock.drive(watch([], true, io, { ...host, kernel }));
    expect(io.err()).toBe('pci-recovery: There is no such tracer. [ERR_PCI_TOY]\n');
  });
});

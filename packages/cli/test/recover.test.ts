import { openDescriptors } from '@pci-recovery/vfio';
import { type ScriptedKernel, type AerErrorDescription } from '@pci-recovery/vfio/testing';
import { recover } from '../src/commands/recover.js';
import { main } from '../src/main.js';
import { capturedIo, type CapturedIo } from './captured-io.js';
import { A, B, ORPHANS, scripted } from './scripted-host.js';

describe('recover', () => {
  let io: CapturedIo & { stop: AbortSignal };
  let stop: AbortController;
  beforeEach(() => {
    stop = new AbortController();
    io = { ...capturedIo(), stop: stop.signal };
  });

  /** Turns of the event loop until something holds; a few thousand are more than anything here takes. */
  const until = async (what: string, holds: () => boolean): Promise<void> => {
    for (let turns = 0; !holds(); turns++) {
      if (turns > 5000) throw new Error(`${what}: never. It printed: ${io.out()} ${io.err()}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const ended = (): string[] =>
    io
      .out()
      .split('\n')
      .filter((line) => line.includes('"event":"ended"'));

  /** Holds both functions with `--watch`, lets one of them have an error, and asks for the end when its recovery has ended. */
  async function watching(
    error: AerErrorDescription,
    change?: (kernel: ScriptedKernel) => void,
  ): Promise<{ code: number; kernel: ScriptedKernel }> {
    const { kernel, clock, host } = scripted();
    const code = recover([A, B], { watch: true, json: true }, io, host);
    await clock.drive(until('both are attached', () => io.out().split('"event":"attached"').length === 3));
    change?.(kernel);
    await clock.drive(Promise.all([kernel.error(A, error).play(clock), until('its end', () => ended().length > 0)]));
    stop.abort();
    return { code: await clock.drive(code), kernel };
  }

  it.each(['nonfatal', 'fatal'] as const)('recovers a %s error of one function with its sibling', async (severity) => {
    const { code } = await watching({ severity });
    expect(code).toBe(0);
    const { properties } = JSON.parse(ended()[0]!) as {
      properties: { outcome: { result: string; usable: { bdf: string }[] } };
    };
    expect(properties.outcome.result).toBe('recovered');
    expect(properties.outcome.usable.map(({ bdf }) => bdf)).toEqual([A, B]);
  });

  it('ends with exit code 4 when the host gives up', async () => {
    const { code } = await watching({ severity: 'fatal' }, (kernel) => kernel.add(ORPHANS[0]!));
    expect(code).toBe(4);
  });

  it('leaves nothing open', async () => {
    await watching({ severity: 'fatal' });
    expect(openDescriptors()).toEqual([]);
  });

  it('a healthy device needs nothing', async () => {
    const { clock, host } = scripted();
    expect(await clock.drive(recover([A], {}, io, host))).toBe(0);
    expect(io.out()).toBe('Nothing of it was broken.\n');
  });

  it('a device that is named twice is held once', async () => {
    const { clock, host } = scripted();
    expect(await clock.drive(recover([A, A.replace(/^0000:/, '')], {}, io, host))).toBe(0);
  });

  it.each([
    [undefined, 'no other platform reports errors of it'],
    ['eeh_mode', 'functions of EEH are held by the library'],
    ['function_id', 'functions of zPCI are held by the library'],
  ])('a function with %s and no AER is refused with exit code 3', async (mark, words) => {
    const { host } = scripted();
    const read = (_: string, attribute: string) => Promise.resolve(attribute === mark ? '0x1' : undefined);
    const sysfs = { ...host.sysfs, read } as typeof host.sysfs;
    await expect(recover([A], {}, io, { ...host, sysfs })).rejects.toMatchObject({
      exitCode: 3,
      message: expect.stringContaining(words) as string,
    });
  });

  it.each([
    ['0000:09:00.0', 1, 'There is no function 0000:09:00.0 here'],
    ['nonsense', 2, 'is no address of a function'],
  ])('%s is refused with exit code %i', async (address, code, words) => {
    const { host } = scripted();
    await expect(recover([address], {}, io, host)).rejects.toMatchObject({
      exitCode: code,
      message: expect.stringContaining(words) as string,
    });
  });

  it('the usage names its options', async () => {
    expect(await main(['recover'], io)).toBe(2);
    expect(io.err()).toContain("missing required argument 'bdf'");
  });
});

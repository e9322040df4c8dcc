import { parseBdf, type Bdf } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { PciTopology } from '@pci-recovery/pci/topology';
import { AerPlatform, type AerHostPort } from '../../src/index.js';
import { host, running, type Machine } from './host.js';

const ROOT = parseBdf('00:06.0');
const ENDPOINT = parseBdf('01:00.0');
const MACHINE: Machine = {
  rootPorts: [{ kind: 'root_port', bdf: ROOT, below: [{ kind: 'endpoint', bdf: ENDPOINT }] }],
};

const collect = async (platform: AerPlatform, signal: AbortSignal, most = Infinity): Promise<string[]> => {
  const seen: string[] = [];
  for await (const event of platform.events({ signal })) {
    seen.push(`${event.sequence} ${event.severity}`);
    if (seen.length === most) break;
  }
  return seen;
};

describe('events()', () => {
  it('reports errors as they come, numbered from 0, with both times', async () => {
    const { clock, hardware, platform } = host(MACHINE);
    clock.advance(1500);
    hardware.detect(ENDPOINT, { error: 'BAD_TLP' });
    for await (const event of platform.events({ signal: new AbortController().signal })) {
      expect(event).toMatchObject({ platform: 'aer', sequence: 0, monotonic: 1.5e9, wall: clock.wall() });
      break;
    }
  });

  it('ends at once when it is aborted while it waits', async () => {
    const { clock, platform } = host(MACHINE);
    const stop = new AbortController();
    const events = collect(platform, stop.signal);
    stop.abort();
    expect(await clock.drive(events)).toEqual([]);
  });

  it('ends at once when it was aborted before', async () => {
    const { clock, hardware, platform } = host(MACHINE);
    hardware.detect(ENDPOINT, { error: 'BAD_TLP' });
    expect(await clock.drive(collect(platform, AbortSignal.abort()))).toEqual([]);
  });

  it('keeps what was not taken for the next consumer', async () => {
    const { clock, hardware, platform } = host(MACHINE);
    hardware.detect(ENDPOINT, { error: 'BAD_TLP' });
    expect(await clock.drive(collect(platform, AbortSignal.abort()))).toEqual([]);
    expect(await clock.drive(collect(platform, new AbortController().signal, 1))).toEqual(['0 correctable']);
  });

  it('keeps also what came together with what was taken', async () => {
    const { clock, platform } = host(MACHINE);
    const registers = new Uint8Array(64);
    for (const bdf of ['7d:00.0', '7e:00.0', '7f:00.0']) {
      platform.firmwareError({ bdf: parseBdf(bdf), severity: 'fatal', registers });
    }
    for (const sequence of [0, 1, 2]) {
      const taken = await clock.drive(collect(platform, new AbortController().signal, 1));
      expect(taken).toEqual([`${sequence} informative`]);
    }
  });

  it('frees the interrupts when its consumer leaves without an abort', async () => {
    const { clock, hardware, platform } = host(MACHINE);
    for (const error of ['BAD_TLP', 'COMP_TIME']) {
      hardware.detect(ENDPOINT, { error });
      await clock.drive(collect(platform, new AbortController().signal, 1));
    }
    hardware.detect(ENDPOINT, { error: 'BAD_DLLP' });
    expect(await clock.drive(collect(platform, new AbortController().signal, 1))).toEqual(['2 correctable']);
  });

  it('has one consumer: a second one is refused, and the first goes on', async () => {
    const { clock, hardware, platform } = host(MACHINE);
    const stop = new AbortController();
    const first = collect(platform, stop.signal, 1);
    const other = new AerPlatform(hardware, clock);
    await expect(collect(other, stop.signal)).rejects.toMatchObject({ code: 'ERR_PCI_SIM_INTERRUPTS_TAKEN' });
    hardware.detect(ENDPOINT, { error: 'BAD_TLP' });
    expect(await clock.drive(first)).toEqual(['0 correctable']);
  });
});

describe('events() on a broken port', () => {
  const interruptsOf = (roots: readonly Bdf[], end?: Error): AerHostPort => {
    const { hardware } = host(MACHINE);
    let broken = end;
    hardware.detect(ENDPOINT, { error: 'BAD_TLP' });
    return {
      topology: hardware.topology,
      generationOf: () => 0,
      readConfig: (bdf, offset, width) => hardware.readConfig(bdf, offset, width),
      writeConfig: (bdf, offset, width, value) => hardware.writeConfig(bdf, offset, width, value),
      async *interrupts({ signal }) {
        yield* roots;
        const error = broken;
        broken = undefined;
        if (error) throw error;
        if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    };
  };

  it("reports what came before, then fails with the port's own error", async () => {
    const failure = new Error('the interrupt source is gone');
    const platform = new AerPlatform(interruptsOf([ROOT], failure), new VirtualClock());
    const seen: string[] = [];
    const consume = async (): Promise<void> => {
      for await (const event of platform.events({ signal: new AbortController().signal })) seen.push(event.severity);
    };
    await expect(consume()).rejects.toBe(failure);
    expect(seen).toEqual(['correctable']);
  });

  it('works again when the port does', async () => {
    const platform = new AerPlatform(interruptsOf([ROOT], new Error('once')), new VirtualClock());
    const consume = (most: number): Promise<string[]> => collect(platform, new AbortController().signal, most);
    await expect(consume(2)).rejects.toThrow('once');
    platform.firmwareError({ bdf: parseBdf('7f:00.0'), severity: 'fatal', registers: new Uint8Array(64) });
    expect(await consume(1)).toEqual(['1 informative']);
  });

  it('is reported by the engine as trouble; errors that are submitted by hand are still recovered', async () => {
    const { clock, hardware } = host(MACHINE);
    const port = { ...interruptsOf([], new Error('gone')), topology: hardware.topology };
    const here = await running({ clock, hardware, platform: new AerPlatform(port, clock) }, {});
    const settled = new Promise((resolve) => setImmediate(resolve));
    await clock.drive(settled);
    expect(here.told.filter((event) => event.type === 'trouble')).toMatchObject([
      { where: 'the events of platform "aer"', error: { message: 'gone' } },
    ]);
  });

  it('a machine without functions has no errors', async () => {
    const { hardware, clock } = host({});
    const platform = new AerPlatform(hardware, clock);
    expect(hardware.topology).toBeInstanceOf(PciTopology);
    expect(await platform.survey({ signal: AbortSignal.abort() })).toEqual([]);
  });
});

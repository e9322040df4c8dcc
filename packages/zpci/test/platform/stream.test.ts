import { type ErrorEvent } from '@pci-recovery/core';
import { encodeCcdfAvailability, ZpciOwnerPlatform, ZpciPlatform, type ZpciNotification } from '../../src/index.js';
import { SimulatedVfio, type SimulatedZpci } from '../../src/sim/index.js';
import { host, machine, type Host } from '../machine.js';

/** Lets everything happen that needs no time. */
const settled = async (): Promise<void> => {
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
};

const pecOf = ({ record }: ErrorEvent): unknown => (record as { ccdf?: { pec: number } }).ccdf?.pec;

interface Lab {
  readonly hardware: SimulatedZpci;
  readonly host: ZpciPlatform;
  readonly owner: ZpciOwnerPlatform;
}

/** A host, or an owner, whose functions are PCI functions, and nobody who takes their events yet. */
async function lab(): Promise<Lab> {
  const { clock, hardware } = machine();
  const host = new ZpciPlatform(hardware, clock);
  await host.survey(new AbortController());
  return { hardware, host, owner: new ZpciOwnerPlatform([], clock) };
}

/** Takes so many events, then leaves without an abort. */
async function take(count: number, events: AsyncIterable<ErrorEvent>): Promise<unknown[]> {
  const taken: unknown[] = [];
  if (count === 0) return taken;
  for await (const event of events) {
    taken.push(pecOf(event));
    if (taken.length === count) break;
  }
  return taken;
}

describe('the stream of a host’s errors, for a consumer that leaves', () => {
  it.each([1, 2, 3])('loses nothing: after %d of four, who comes next gets the rest in order', async (first) => {
    const { hardware, host } = await lab();
    for (const pec of [1, 2, 3, 4]) hardware.detect(1, { pec });
    const closing = new AbortController();
    const before = await take(first, host.events(closing));
    hardware.detect(1, { pec: 5 });
    const after = await take(5 - first, host.events(closing));
    expect([...before, ...after]).toEqual([1, 2, 3, 4, 5]);
  });

  it('lets go of the machine’s notifications, so that the next consumer can have them', async () => {
    const { hardware, host } = await lab();
    const closing = new AbortController();
    const stream = host.events(closing)[Symbol.asyncIterator]();
    const waiting = stream.next();
    await settled();
    await stream.return?.();
    expect(await waiting).toMatchObject({ done: true });
    hardware.detect(1, { pec: 7 });
    expect(await take(1, host.events(closing))).toEqual([7]);
  });

  it('has an availability event done that waited for a consumer who left instead', async () => {
    const { hardware, host } = await lab();
    const closing = new AbortController();
    const stream = host.events(closing)[Symbol.asyncIterator]();
    hardware.detect(1, { pec: 1 });
    hardware.requestDeconfiguration(1);
    await stream.next();
    await settled();
    expect(host.functions()[0]!.state).toBe('configured');
    await stream.return?.();
    expect(host.functions()[0]!.state).toBe('standby');
  });
});

describe('the order of errors and availability', () => {
  it('a function changes only after its errors from before were taken', async () => {
    const { hardware, host } = await lab();
    const stream = host.events(new AbortController())[Symbol.asyncIterator]();
    hardware.detect(1, { pec: 1 });
    hardware.detect(1, { pec: 2 });
    hardware.requestDeconfiguration(1);
    for (const pec of [1, 2]) {
      expect(pecOf((await stream.next()).value as ErrorEvent)).toBe(pec);
      await settled();
      expect(host.functions()[0]!.state).toBe('configured');
    }
    const waiting = stream.next();
    await settled();
    expect(host.functions()[0]!.state).toBe('standby');
    await stream.return?.();
    await waiting;
  });

  it('and an availability event with no error before it waits for nobody', async () => {
    const { hardware, host } = await lab();
    const stream = host.events(new AbortController())[Symbol.asyncIterator]();
    hardware.requestDeconfiguration(1);
    const waiting = stream.next();
    await settled();
    expect(host.functions()[0]!.state).toBe('standby');
    await stream.return?.();
    await waiting;
  });
});

describe('a machine whose notifications break off', () => {
  it('is told once, after what came before', async () => {
    const { clock, hardware } = machine();
    hardware.notifications = async function* (): AsyncGenerator<ZpciNotification, void> {
      yield { contentCode: 2, ccdf: encodeCcdfAvailability({ pec: 0x309, fid: 1 }) };
      throw await Promise.resolve(new Error('The line is cut.'));
    };
    const platform = new ZpciPlatform(hardware, clock);
    await expect(platform.events(new AbortController())[Symbol.asyncIterator]().next()).rejects.toThrow('cut');
    expect(platform.counters.availability).toBe(1);
  });
});

describe('an adapter that throws, against its contract', () => {
  it.each([false, true])('is told of, with an engine to wait for (%s) as without', async (waits) => {
    const run: Host = await host(
      waits ? { options: { exclusively: (scope, work) => run.engine.exclusive(scope, work) } } : {},
    );
    run.hardware.deconfigure = () => {
      throw new Error('The adapter broke.');
    };
    run.hardware.requestDeconfiguration(1);
    await run.settled();
    const troubles = run.told.flatMap((event) =>
      event.type === 'trouble' ? [[event.where, String(event.error)]] : [],
    );
    expect(troubles).toEqual([['the events of platform "zpci"', 'Error: The adapter broke.']]);
  });
});

describe('the stream of an owner’s errors', () => {
  it('loses nothing when its consumer leaves', async () => {
    const { clock, hardware } = machine({ handles: 'keep' });
    await using vfio = new SimulatedVfio(hardware, { handlerMs: 0 });
    const owner = new ZpciOwnerPlatform([vfio.open(1)], clock);
    for (const pec of [1, 2, 3]) hardware.detect(1, { pec });
    await settled();
    const closing = new AbortController();
    const before = await take(1, owner.events(closing));
    expect([...before, ...(await take(2, owner.events(closing)))]).toEqual([1, 2, 3]);
  });

  it('ends at once when it waits and its consumer leaves, or the signal aborts', async () => {
    for (const how of ['leave', 'abort'] as const) {
      const closing = new AbortController();
      const stream = (await lab()).owner.events(closing)[Symbol.asyncIterator]();
      const waiting = stream.next();
      if (how === 'abort') closing.abort();
      else void stream.return?.();
      expect(await waiting).toMatchObject({ done: true });
    }
  });
});

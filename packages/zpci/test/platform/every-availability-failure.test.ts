import { type HardwareFault, type SimulatedZpci } from '../../src/sim/index.js';
import { callCounts, everyFailure } from '../firmware-faults.js';
import { AT, host, LOOKING, type Host } from '../machine.js';

/** What happens to a function of the machine from outside, once it was brought there. */
interface Scenario {
  readonly before?: (hardware: SimulatedZpci) => void;
  readonly happens: (hardware: SimulatedZpci) => void;
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a function that is given (0x301)': {
    before: (one) => one.takeAway(1),
    happens: (one) => one.make(1, 'configured'),
  },
  'a new function that is given (0x301)': {
    before: (one) => one.takeAway(1, 'reserved'),
    happens: (one) => one.make(1, 'configured'),
  },
  'a new function that may be had (0x302)': {
    before: (one) => one.takeAway(1, 'reserved'),
    happens: (one) => one.make(1, 'standby'),
  },
  'a function that is asked for (0x303)': { happens: (one) => one.requestDeconfiguration(1) },
  'a function that is taken away (0x304)': { happens: (one) => one.takeAway(1) },
  'a function that is taken away for ever (0x304)': { happens: (one) => one.takeAway(1, 'reserved') },
  'anything (0x306)': { before: (one) => one.takeAway(1), happens: (one) => one.change({ 1: 'configured' }) },
};

/** Lets time pass until nobody waits for it. */
async function calm({ settled, clock }: Host): Promise<void> {
  await settled();
  while (clock.pending > 0) {
    clock.advance(20);
    await settled();
  }
}

async function play({ before, happens }: Scenario, fault?: HardwareFault): Promise<Host> {
  const run = await host({ drivers: { [AT[2]]: LOOKING } });
  before?.(run.hardware);
  await calm(run);
  run.hardware.clearLog();
  const script = fault && run.hardware.script(fault);
  happens(run.hardware);
  await calm(run);
  script?.[Symbol.dispose]();
  return run;
}

/** What the platform says of its functions, against the machine. */
async function check(run: Host): Promise<void> {
  const { platform, hardware, told } = run;
  for (const { fid, state, present } of platform.functions()) {
    if (!present) continue;
    expect([fid, state]).toEqual([fid, 'configured']);
    expect([fid, hardware.inspect(fid)?.enabled ?? true]).toEqual([fid, true]);
  }
  expect(told.filter(({ type }) => type === 'trouble')).toEqual([]);
  // It still hears, and the others are well.
  hardware.detect(2);
  expect((await run.ended(1))[0]).toMatchObject({ result: 'recovered', usable: [{ bdf: AT[2] }] });
  // When firmware works again, all are as firmware says.
  hardware.change({ 2: 'configured' });
  await calm(run);
  const now = platform.functions().find(({ fid }) => fid === 1);
  if (hardware.inspect(1)?.state === 'configured' && now?.state === 'configured') {
    expect(hardware.inspect(1)).toMatchObject({ enabled: true, fh: now.fh });
    expect(now.present).toBe(true);
  }
}

describe('whichever call of firmware fails, at whichever time, in whichever way, once or for ever', () => {
  it.each(Object.entries(SCENARIOS))('%s comes to an end, and disturbs nobody else', async (_, scenario) => {
    const counts = callCounts((await play(scenario)).hardware);
    expect(counts.size).toBeGreaterThan(0);
    for (const [call, count] of counts) {
      for (const fault of everyFailure(call, count)) {
        const run = await play(scenario, fault);
        await check(run).catch((error: unknown) => {
          throw new Error(`${JSON.stringify(fault)}: ${(error as Error).message}`, { cause: error });
        });
        await run.clock.drive(run.engine.close());
      }
    }
  });
});

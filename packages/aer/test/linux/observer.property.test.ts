import { parseBdf } from '@pci-recovery/core';
import fc from 'fast-check';
import { type DriverKind } from './host/machine.js';
import { ObserverBench } from './host/observer-bench.js';

const WHOSE = ['01:00.0', '01:00.1', '00:06.0', '02:00.0', '05:00.0', '03:00.0'];
const driver: fc.Arbitrary<DriverKind> = fc.constantFrom('vfio', 'need_reset', 'disconnect', 'deaf', 'none');
const lateness = fc.array(fc.constantFrom(0, 3, 60, 200), { minLength: 1, maxLength: 4 });
const world = fc.record({
  errors: fc.array(
    fc.record({
      at: fc.integer({ min: 0, max: 30 }).map((steps) => steps * 40),
      severity: fc.constantFrom('nonfatal' as const, 'fatal' as const),
      whose: fc.constantFrom(...WHOSE),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  drivers: fc.record({ '01:00.0': driver, '01:00.1': driver, '05:00.0': driver }),
  trace: fc.boolean(),
  traceLateness: lateness,
  ueventLateness: lateness,
  reset: fc.constantFrom(2, 140, 900),
  failingResets: fc.constantFrom(0, 0, 1),
});

const turns = (values: readonly number[]): (() => number) => {
  let next = 0;
  return () => values[next++ % values.length]!;
};

it('whatever happens in whatever order: every recovery of the host is reported, and nothing is usable that the host gave up', async () => {
  const property = fc.asyncProperty(world, async (one) => {
    const delays = { trace: turns(one.traceLateness), uevent: turns(one.ueventLateness), reset: () => one.reset };
    const bench = await new ObserverBench({ trace: one.trace, drivers: one.drivers, delays }).start();
    bench.kernel.failingResets = one.failingResets;
    for (const { at, whose, severity } of one.errors)
      bench.clock.after(at, () => void bench.kernel.error(whose, severity));
    await bench.pass(100);
    await bench.close();
    for (const recovery of bench.kernel.recoveries) {
      for (const bdf of recovery.functions) {
        const seen = bench.outcomes.filter(({ scope }) => scope.members.some((member) => member.bdf === bdf));
        expect(seen.length).toBeGreaterThan(0);
        const last = bench.kernel.recoveries.filter(({ functions }) => functions.includes(bdf)).at(-1)!;
        const isUsable = seen.at(-1)!.usable.some((device) => device.bdf === parseBdf(bdf));
        // Errors that follow each other are watched as one: then a failure of a wider one counts for all of them.
        if (last.result === 'failed') expect({ bdf, isUsable }).toEqual({ bdf, isUsable: false });
        else if (bench.kernel.recoveries.every(({ result }) => result === 'recovered')) expect(isUsable).toBe(true);
      }
    }
    expect(bench.clock.pending).toBe(0);
  });
  await fc.assert(property, { numRuns: Number(process.env['RUNS'] ?? 100) });
}, 300_000);

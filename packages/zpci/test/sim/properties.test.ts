import { isPciRecoveryError, parseBdf } from '@pci-recovery/core';
import fc from 'fast-check';
import { CONTENT_CODE } from '../../src/index.js';
import { FIRMWARE_CALLS, type HardwareFault, type SimulatedZpci } from '../../src/sim/index.js';
import { AT, host, LOOKING, machine, RESETTING } from '../machine.js';

const fid = fc.constantFrom(1, 2, 3, 4, 99);
const pec = fc.constantFrom(0x01, 0x04, 0x2a, 0x3a, 0x3b, 0x40, 0xffff);
const bdf = fc.constantFrom(...Object.values(AT), parseBdf('00ff:00:00.0'));
const call = fc.constantFrom(...FIRMWARE_CALLS);
const number = fc.oneof(fc.integer({ min: -8, max: 300 }), fc.constantFrom(0x8000_0000, 0xffff_ffff, NaN, 0.5));

const fault: fc.Arbitrary<HardwareFault> = fc.oneof(
  fc.record(
    {
      fault: fc.constant('call_fails' as const),
      call,
      fid,
      answer: fc.constantFrom(0, 1, 2, 3, 0x10, 0x101, 0x105, 0x106, 0x108),
      times: fc.nat(3),
      skip: fc.nat(3),
    },
    { requiredKeys: ['fault', 'call', 'times'] },
  ),
  fc.record({ fault: fc.constant('removed_at_call' as const), call, fid, skip: fc.nat(2) }),
  fc.record({
    fault: fc.constantFrom(
      'stays_blocked' as const,
      'stays_in_error' as const,
      'reset_ignored' as const,
      'error_when_enabled' as const,
      'notification_lost' as const,
    ),
    fid,
    times: fc.nat(3),
  }),
);

type Doing = (hardware: SimulatedZpci) => unknown;

/** Everything that software can do, with any handle, and everything that can happen from outside. */
const doing: fc.Arbitrary<Doing> = fc.oneof(
  fc.constant<Doing>((one) => one.list()),
  fid.map<Doing>((id) => (one) => one.query(one.inspect(id)?.fh ?? id)),
  fc.tuple(fid, fc.constantFrom('enable', 'disable', 'enable_mio')).map<Doing>(
    ([id, control]) =>
      (one) =>
        one.set(one.inspect(id)?.fh ?? id, control),
  ),
  fc
    .tuple(fid, fc.constantFrom('register_interrupts', 'register_translation', 'reset_error', 'reset_block'))
    .map<Doing>(
      ([id, control]) =>
        (one) =>
          one.modify(one.inspect(id)?.fh ?? id, control),
    ),
  fid.map<Doing>((id) => (one) => one.controls(one.inspect(id)?.fh ?? id)),
  fid.map<Doing>((id) => (one) => one.deconfigure(id)),
  fc.tuple(bdf, number, fc.constantFrom(1, 2, 4)).map<Doing>(
    ([at, offset, width]) =>
      (one) =>
        one.readConfig(at, offset, width),
  ),
  fc.tuple(bdf, number, fc.constantFrom(1, 2, 4), number).map<Doing>(
    ([at, offset, width, value]) =>
      (one) =>
        one.writeConfig(at, offset, width, value),
  ),
  fc.tuple(bdf, number).map<Doing>(
    ([at, offset]) =>
      (one) =>
        one.writeMemory(at, offset, one.readMemory(at, offset)),
  ),
  fc.tuple(fid, pec, fc.constantFrom(undefined, 'openly', 'silently')).map<Doing>(
    ([id, code, disables]) =>
      (one) =>
        one.detect(id, disables ? { pec: code, disables } : { pec: code }),
  ),
  fc.tuple(fid, fc.bigInt({ min: 0n, max: 1n << 40n })).map<Doing>(
    ([id, address]) =>
      (one) =>
        one.dma(id, { address }),
  ),
  fault.map<Doing>((script) => (one) => one.script(script)),
  fid.map<Doing>((id) => (one) => one.takeAway(id)),
  fid.map<Doing>((id) => (one) => one.takeAway(id, 'reserved')),
  fid.map<Doing>((id) => (one) => one.make(id, 'configured')),
  fid.map<Doing>((id) => (one) => one.reserve(id)),
  fid.map<Doing>((id) => (one) => one.requestDeconfiguration(id)),
  fid.map<Doing>((id) => (one) => one.change({ [id]: 'standby' })),
);

/** Does it; that there is no such function is an answer. */
function attempt(hardware: SimulatedZpci, one: Doing): void {
  try {
    one(hardware);
  } catch (error) {
    if (!isPciRecoveryError(error) || error.code !== 'ERR_PCI_SIM_NO_FUNCTION') throw error;
  }
}

describe('whatever is done to the machine', () => {
  it('never throws, and no function does DMA while it is in the error state', () => {
    fc.assert(
      fc.property(fc.array(doing, { maxLength: 60 }), (steps) => {
        const { hardware } = machine();
        for (const step of steps) {
          attempt(hardware, step);
          for (const id of [1, 2, 3]) {
            const now = hardware.inspect(id);
            if (now?.error) expect(hardware.dma(id, { address: 0x1_0000_0000n })).toBe('blocked');
            if (now?.enabled) expect(now.fh >>> 31).toBe(1);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('every error that is taken in comes to its end, without trouble', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(doing, { maxLength: 25 }), async (steps) => {
        const run = await host({
          drivers: { [AT[1]]: LOOKING, [AT[2]]: RESETTING, [AT[3]]: { errorDetected: 'none' } },
        });
        for (const step of steps) {
          attempt(run.hardware, step);
          await Promise.resolve();
        }
        await run.settled();
        await run.clock.drive(run.engine.close());
        const received = run.told.filter(({ type }) => type === 'received');
        expect(run.outcomes).toHaveLength(received.length);
        // No error is lost on the way: it is taken in, or counted as nobody's.
        const errors = run.hardware.log.filter(
          (fact) => fact.kind === 'notification' && fact.contentCode === CONTENT_CODE.ERROR && !fact.lost,
        );
        const { unknown, absent } = run.platform.counters;
        expect(received.length + unknown + absent).toBe(errors.length);
        expect(run.told.filter(({ type }) => type === 'trouble')).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});

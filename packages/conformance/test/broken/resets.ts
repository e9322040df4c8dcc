import { type RecoveryPlatform } from '@pci-recovery/core';
import { type ReferenceBus } from '../reference/bus.js';
import { brokenPlatform, type Broken } from './broken.js';

const replacingReset =
  (
    reset: (
      honest: () => ReturnType<RecoveryPlatform['perform']>,
      bus: ReferenceBus,
    ) => ReturnType<RecoveryPlatform['perform']>,
  ) =>
  (platform: RecoveryPlatform, bus: ReferenceBus): Partial<RecoveryPlatform> => ({
    perform: (operation, context) =>
      operation.name === 'reset'
        ? reset(() => platform.perform(operation, context), bus)
        : platform.perform(operation, context),
  });

const endpoints = (bus: ReferenceBus) => bus.slots.filter(({ is }) => is === 'endpoint').map(({ bdf }) => bdf);

/** Platforms that lie about their resets, or do them wrongly. */
export const BROKEN_RESETS: readonly Broken[] = [
  brokenPlatform(
    'only claims to reset',
    replacingReset(() => ({ ok: true })),
    'sequence.reset-between-detection-and-slot-reset',
  ),
  brokenPlatform(
    'resets twice',
    replacingReset(async (honest) => (await honest(), honest())),
    'sequence.one-reset',
  ),
  brokenPlatform(
    'resets its neighbours too',
    replacingReset(async (_, bus) => ({ ok: await bus.reset(endpoints(bus)) }) as { ok: true }),
    'sequence.reset-touches-whom-the-law-says',
  ),
  brokenPlatform(
    'answers before its reset has ended',
    replacingReset((honest) => (void honest(), { ok: true })),
    'sequence.slot-reset-after-need-reset',
    'failure.no-resume-without-reset',
  ),
  brokenPlatform(
    'hangs in its reset',
    replacingReset(() => new Promise(() => undefined)),
    'sequence.slot-reset-after-need-reset',
  ),
  brokenPlatform(
    'leaves a timer behind',
    replacingReset((honest, bus) => (bus.clock.after(1e9, () => undefined), honest())),
    'lifecycle.no-timers-left',
  ),
  brokenPlatform(
    'clears a status that it does not own',
    (platform) => ({
      scopeOf: (event) => ({ ...platform.scopeOf(event), capabilities: { native_aer: true } }),
    }),
    'failure.absent-capability',
  ),
  brokenPlatform(
    'claims to have done what it does not know',
    (platform) => ({
      perform: (operation, context) =>
        ['reset', 'clear_status'].includes(operation.name) ? platform.perform(operation, context) : { ok: true },
    }),
    'contract.unknown-operation',
  ),
];

import { createEngine, type ErrorEvent, type RecoveryOutcome, type RecoveryPlatform } from '@pci-recovery/core';

/** Recovers one error of a function whose driver is here. The engine is closed at the end, whatever happens. */
export async function recoverOne(platform: RecoveryPlatform, error: ErrorEvent): Promise<RecoveryOutcome> {
  await using engine = createEngine({ platforms: [platform] });
  engine.attach(error.device.bdf, {
    errorDetected: (_context, channel) => (channel === 'normal' ? 'can_recover' : 'need_reset'),
    slotReset: () => 'recovered',
    resume: () => {},
  });
  return await engine.submit(error);
}

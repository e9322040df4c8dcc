import { createEngine, type Bdf, type Clock, type RecoveryEngine } from '@pci-recovery/core';
import { AerPlatform, type AerHostPort } from '@pci-recovery/aer';
import { guestHandlers, type GuestDevice } from './guest-device.js';

/** Puts engine and backend together without a container. */
export async function recoverByHand(
  port: AerHostPort,
  clock: Clock,
  devices: ReadonlyMap<Bdf, GuestDevice>,
): Promise<RecoveryEngine> {
  const engine = createEngine({ platforms: [new AerPlatform(port, clock)], clock });
  for (const [bdf, device] of devices) engine.attach(bdf, guestHandlers(device));
  await engine.start();
  return engine;
}

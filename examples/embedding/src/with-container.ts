import { coreModule, TOKENS, type Bdf, type Clock, type RecoveryEngine } from '@pci-recovery/core';
import { aerModule, type AerHostPort } from '@pci-recovery/aer';
import { Container } from 'inversify';
import { guestHandlers, type GuestDevice } from './guest-device.js';

/** Lets a container put engine and backend together. More backends are more modules. */
export async function recoverWithContainer(
  port: AerHostPort,
  clock: Clock,
  devices: ReadonlyMap<Bdf, GuestDevice>,
): Promise<RecoveryEngine> {
  const container = new Container();
  container.load(coreModule({ clock, policy: { deadlineMs: 5_000 } }), aerModule({ port }));
  const engine = container.get<RecoveryEngine>(TOKENS.engine);
  for (const [bdf, device] of devices) engine.attach(bdf, guestHandlers(device));
  await engine.start();
  return engine;
}

import { AerPlatform } from '@pci-recovery/aer';
import { simulate } from '@pci-recovery/aer/sim';
import { createEngine, parseBdf, type Clock, type PciErrorHandlers, type RecoveryOutcome } from '@pci-recovery/core';

/** A malformed TLP at a simulated NVMe drive, recovered as Linux would: the link is reset, then the driver resumes. */
export async function recoverOnce(clock: Clock, nvme: PciErrorHandlers): Promise<RecoveryOutcome> {
  const below = [{ kind: 'endpoint', bdf: '01:00.0', driver: 'nvme' }] as const;
  const hardware = simulate({ clock, rootPorts: [{ kind: 'root_port', bdf: '00:06.0', below }] });
  const engine = createEngine({ clock, platforms: [new AerPlatform(hardware, clock)] });
  engine.attach(parseBdf('01:00.0'), nvme);
  await engine.start();
  const ended = new Promise<RecoveryOutcome>((resolve) => {
    engine.observe((event) => event.type === 'ended' && resolve(event.outcome));
  });
  hardware.detect('01:00.0', { error: 'MALF_TLP' });
  return ended.finally(() => engine.close());
}

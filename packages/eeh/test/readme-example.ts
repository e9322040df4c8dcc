import { createEngine, parseBdf, type Clock, type PciErrorHandlers, type RecoveryOutcome } from '@pci-recovery/core';
import { EehPlatform } from '@pci-recovery/eeh';
import { simulateEeh } from '@pci-recovery/eeh/sim';

/** A frozen PE of a simulated POWER machine, found behind a read of all ones and recovered as Linux would. */
export async function recoverOnce(clock: Clock, nvme: PciErrorHandlers): Promise<RecoveryOutcome> {
  const card = { kind: 'endpoint', bdf: '01:00.0', driver: 'nvme' } as const;
  const hardware = simulateEeh({
    clock,
    hostBridges: [{ phb: 0, below: [{ kind: 'root_port', bdf: '00:00.0', below: [card] }] }],
  });
  const platform = new EehPlatform(hardware, clock);
  hardware.onAllOnes((bdf) => void platform.checkFailure(bdf));
  const engine = createEngine({ clock, platforms: [platform] });
  engine.attach(parseBdf('0000:01:00.0'), nvme);
  await engine.start();
  const ended = new Promise<RecoveryOutcome>((resolve) => {
    engine.observe((event) => event.type === 'ended' && resolve(event.outcome));
  });
  hardware.freeze('0000:01:00.0');
  hardware.readMemory('0000:01:00.0', 0); // all ones: is it a freeze?
  return ended.finally(() => engine.close());
}

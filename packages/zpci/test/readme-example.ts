import { createEngine, parseBdf, type Clock, type PciErrorHandlers, type RecoveryOutcome } from '@pci-recovery/core';
import { ZpciPlatform } from '@pci-recovery/zpci';
import { simulateZpci } from '@pci-recovery/zpci/sim';

/** A simulated network card does DMA to an address that is not mapped; its driver wants a reset and gets it. */
export async function recoverOnce(clock: Clock, driver: PciErrorHandlers): Promise<RecoveryOutcome> {
  const bdf = parseBdf('0001:00:00.0');
  const hardware = simulateZpci({ clock, functions: [{ fid: 1, bdf, driver: 'mlx5_core' }] });
  const engine = createEngine({ clock, platforms: [new ZpciPlatform(hardware, clock)] });
  engine.attach(bdf, driver);
  await engine.start();
  const ended = new Promise<RecoveryOutcome>((resolve) => {
    engine.observe((event) => event.type === 'ended' && resolve(event.outcome));
  });
  hardware.dma(1, { address: 0x1_2000_0000n });
  return ended.finally(() => engine.close());
}

import { openVfioDevice, type OpenVfioOptions } from '@pci-recovery/vfio';

/** Waits for an error of a device, resets it, and says what became of its command register. */
export async function resetAfterError(bdf: string, signal: AbortSignal, options?: OpenVfioOptions): Promise<string> {
  await using device = await openVfioDevice(bdf, options);
  const signals = await new Promise<number>((resolve) => void device.onError(resolve));
  await device.reset({ signal }); // tries again while the host's own recovery holds the device
  await device.rearmInterrupts();
  const [low, high] = await device.readConfig(4, 2); // little-endian, as on the bus
  return `${signals} signals, command ${(high! << 8) | low!}`;
}

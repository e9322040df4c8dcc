import { type ChannelState, type ErsResult, type PciErrorHandlers } from '@pci-recovery/core';

/** What a virtual machine monitor has of a device that it passed through to a guest. */
export interface GuestDevice {
  /** From now on the guest's accesses read all ones and its writes are dropped (R1.4). */
  quiesce(): void;
  /** Lets the guest know, and gives its vote. */
  notifyGuest(channel: ChannelState): ErsResult | Promise<ErsResult>;
  /** Writes back what a reset took: configuration, MSI-X. */
  restore(): void;
  /** Accesses flow again. */
  release(): void;
  /** The device is lost: the guest sees it unplugged. */
  unplug(): void;
}

/** The callbacks by which a monitor takes part in a recovery. */
export const guestHandlers = (device: GuestDevice): PciErrorHandlers => ({
  errorDetected(_, channel) {
    device.quiesce();
    if (channel !== 'perm_failure') return device.notifyGuest(channel);
    device.unplug();
    return 'disconnect';
  },
  mmioEnabled: () => 'recovered',
  slotReset() {
    device.restore();
    return 'recovered';
  },
  resume: () => device.release(),
});

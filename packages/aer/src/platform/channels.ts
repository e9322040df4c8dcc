import { type Bdf, type ChannelState, type DeviceRef } from '@pci-recovery/core';

/** The channel state of each function, as its last recovery left it. A new generation starts with a normal one. */
export class Channels {
  readonly #states = new Map<Bdf, { readonly generation: number; readonly state: ChannelState }>();

  of({ bdf, generation }: DeviceRef): ChannelState {
    const known = this.#states.get(bdf);
    return known?.generation === generation ? known.state : 'normal';
  }

  /** `perm_failure` is terminal. Linux 7.3 drivers/pci/pci.h:pci_dev_set_io_state. */
  set(device: DeviceRef, state: ChannelState): void {
    if (this.of(device) === 'perm_failure') return;
    this.#states.set(device.bdf, { generation: device.generation, state });
  }
}

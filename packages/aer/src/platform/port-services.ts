import { type Bdf, type DeviceRef, type PciErrorHandlers } from '@pci-recovery/core';
import { type TopologyFunction } from '@pci-recovery/pci/topology';
import { type AerHostPort } from '../port.js';
import { restoreConfig, saveConfig, type ConfigSnapshot } from './config-snapshot.js';

/** Name of the driver (Linux 7.3 drivers/pci/pcie/portdrv.c). */
const PORT_DRIVER = 'pcieport';

const driven = (fn: TopologyFunction | undefined): boolean => fn?.driver === PORT_DRIVER;

/**
 * The driver of PCIe ports, where it is bound: it votes `need_reset` on a frozen channel, so that a fatal error with a switch port below
 * brings `slot_reset` to everybody, and restores the port's configuration there.
 *
 * Source: Linux 7.3 drivers/pci/pcie/portdrv.c:pcie_portdrv_error_detected, pcie_portdrv_slot_reset,
 * pcie_portdrv_mmio_enabled.
 */
export class PortServices {
  readonly #port: AerHostPort;
  readonly #saved = new Map<Bdf, ConfigSnapshot>();
  readonly #handlers: PciErrorHandlers = {
    errorDetected: (_, channel) => (channel === 'frozen' ? 'need_reset' : 'can_recover'),
    mmioEnabled: () => 'recovered',
    slotReset: ({ device }) => {
      const saved = this.#saved.get(device.bdf);
      if (saved) restoreConfig(this.#port, saved);
      return 'recovered';
    },
  };

  constructor(port: AerHostPort) {
    this.#port = port;
    for (const fn of port.topology.functions()) if (driven(fn)) this.#save(fn.bdf);
  }

  of({ bdf }: DeviceRef): PciErrorHandlers | undefined {
    return driven(this.#port.topology.get(bdf)) ? this.#handlers : undefined;
  }

  #save(bdf: Bdf): void {
    const snapshot = saveConfig(this.#port, bdf);
    if (snapshot) this.#saved.set(bdf, snapshot);
  }
}

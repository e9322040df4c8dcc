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
  readonly #saved = new Map<Bdf, { readonly generation: number; readonly snapshot: ConfigSnapshot }>();
  readonly #handlers: PciErrorHandlers = {
    errorDetected: (_, channel) => (channel === 'frozen' ? 'need_reset' : 'can_recover'),
    mmioEnabled: () => 'recovered',
    slotReset: ({ device }) => {
      const saved = this.#saved.get(device.bdf);
      if (saved?.generation === device.generation) restoreConfig(this.#port, saved.snapshot);
      return 'recovered';
    },
  };

  constructor(port: AerHostPort) {
    this.#port = port;
  }

  /** Saves the configuration of a port that was not seen before, as its driver does when it is bound. */
  meet(fn: TopologyFunction): void {
    const generation = this.#port.generationOf(fn.bdf);
    if (!driven(fn) || this.#saved.get(fn.bdf)?.generation === generation) return;
    const snapshot = saveConfig(this.#port, fn.bdf);
    if (snapshot) this.#saved.set(fn.bdf, { generation, snapshot });
  }

  of({ bdf }: DeviceRef): PciErrorHandlers | undefined {
    return driven(this.#port.topology.get(bdf)) ? this.#handlers : undefined;
  }
}

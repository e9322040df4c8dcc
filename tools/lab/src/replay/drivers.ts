import { labError } from '../failure.js';
import { type Asked } from './words.js';

/** Callbacks that a driver has → the kernel's function that is called. */
export type DriverCallbacks = Readonly<Partial<Record<Asked, string>>>;

/**
 * What drivers bring (their `struct pci_error_handlers`), as Linux 7.3 has it: drivers/vfio/pci/vfio_pci_core.c,
 * drivers/pci/pcie/portdrv.c, drivers/virtio/virtio_pci_common.c (which has only reset_prepare and reset_done),
 * drivers/net/ethernet/intel/e1000e/netdev.c.
 */
const DRIVERS: Readonly<Record<string, DriverCallbacks>> = {
  'vfio-pci': { error_detected: 'vfio_pci_core_aer_err_detected' },
  pcieport: {
    error_detected: 'pcie_portdrv_error_detected',
    mmio_enabled: 'pcie_portdrv_mmio_enabled',
    slot_reset: 'pcie_portdrv_slot_reset',
  },
  'virtio-pci': {},
  e1000e: {
    error_detected: 'e1000_io_error_detected',
    slot_reset: 'e1000_io_slot_reset',
    resume: 'e1000_io_resume',
  },
};

/**
 * The callbacks of a driver; undefined: nobody drives the function.
 * @throws PciRecoveryError `ERR_PCI_LAB_REPLAY` for a driver of which nothing is known.
 */
export function callbacksOf(driver: string | undefined): DriverCallbacks | undefined {
  if (driver === undefined) return undefined;
  if (Object.hasOwn(DRIVERS, driver)) return DRIVERS[driver];
  throw labError(
    'REPLAY',
    `It is not known which error callbacks the driver ${driver} has: add it to src/replay/drivers.ts, and probes for them.`,
  );
}

/** The kernel's function → the callback that it is. */
export const CALLBACK_FUNCTIONS: ReadonlyMap<string, Asked> = new Map(
  Object.values(DRIVERS).flatMap((callbacks) =>
    Object.entries(callbacks).map(([asked, name]) => [name, asked as Asked] as const),
  ),
);

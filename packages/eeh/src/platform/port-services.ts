import { type DeviceRef, type PciErrorHandlers } from '@pci-recovery/core';
import { type EehHostPort } from '../port.js';

/** Name of the driver (Linux 7.3 drivers/pci/pcie/portdrv.c). */
const PORT_DRIVER = 'pcieport';

/** Registers are restored before `slot_reset`, so there is nothing left to do. */
const HANDLERS: PciErrorHandlers = {
  errorDetected: (_, channel) => (channel === 'frozen' ? 'need_reset' : 'can_recover'),
  mmioEnabled: () => 'recovered',
  slotReset: () => 'recovered',
};

/**
 * The votes of the driver of PCIe ports, where it is bound: a frozen port wants a reset, and so everything below it gets one.
 *
 * Source: Linux 7.3 drivers/pci/pcie/portdrv.c:pcie_portdrv_error_detected, pcie_portdrv_slot_reset.
 */
export const portHandlers = ({ topology }: EehHostPort, { bdf }: DeviceRef): PciErrorHandlers | undefined =>
  topology.get(bdf)?.driver === PORT_DRIVER ? HANDLERS : undefined;

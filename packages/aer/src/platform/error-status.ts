import { type Awaitable, type Bdf } from '@pci-recovery/core';
import { AER, PCIE } from '@pci-recovery/pci';
import { type TopologyFunction } from '@pci-recovery/pci/topology';
import { type AerRecord } from '../record.js';
import { type RegisterMap } from './registers.js';
import { linkMayBeDown } from './sources.js';

/** What a second look at a source found. `broken`: it answers all ones. */
export type Confirmation = 'error' | 'broken' | 'none';

/**
 * Looks again whether a source still has an unmasked error; a fatal one of a function whose link may be down is believed.
 * Only a function without AER capability, or with nothing left, has `none`.
 *
 * Source: Linux 7.3 drivers/pci/pcie/aer.c:aer_process_err_devices, aer_get_device_error_info.
 */
export function confirmSource(
  registers: RegisterMap,
  fn: TopologyFunction | undefined,
  severity: unknown,
): Confirmation {
  if (!fn) return 'broken';
  if (severity === 'fatal' && linkMayBeDown(fn)) return 'error';
  if (!registers.answers(fn.bdf)) return 'broken';
  return (registers.aer(fn.bdf, AER.UNCOR_STATUS) & ~registers.aer(fn.bdf, AER.UNCOR_MASK)) !== 0 ? 'error' : 'none';
}

/** Writes Device Status back to itself. Linux 7.3 drivers/pci/pci.c:pcie_clear_device_status. */
export function clearDeviceStatus(registers: RegisterMap, bdf: Bdf): void {
  registers.writePcie(bdf, PCIE.DEVICE_STATUS, registers.pcie(bdf, PCIE.DEVICE_STATUS));
}

/** Clears the status bits whose severity is non-fatal. Linux 7.3 drivers/pci/pcie/aer.c:pci_aer_clear_nonfatal_status. */
export function clearNonfatalStatus(registers: RegisterMap, bdf: Bdf): void {
  const status = registers.aer(bdf, AER.UNCOR_STATUS) & ~registers.aer(bdf, AER.UNCOR_SEVERITY);
  if (status !== 0) registers.writeAer(bdf, AER.UNCOR_STATUS, status);
}

/**
 * Clears a correctable error, and the advisory ones behind it; then, with control of AER, tells the driver and clears
 * Device Status.
 *
 * Source: Linux 7.3 drivers/pci/pcie/aer.c:pci_aer_handle_error.
 */
export async function acknowledgeCorrectable(
  registers: RegisterMap,
  bdf: Bdf,
  record: AerRecord,
  tell: (() => Awaitable<void>) | undefined,
): Promise<void> {
  registers.writeAer(bdf, AER.COR_STATUS, record.status);
  if (record.advisory !== 0) registers.writeAer(bdf, AER.UNCOR_STATUS, record.advisory);
  if (!tell) return;
  try {
    await tell();
  } finally {
    clearDeviceStatus(registers, bdf);
  }
}

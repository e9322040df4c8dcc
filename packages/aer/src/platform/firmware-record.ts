import { PciRecoveryError, type Bdf } from '@pci-recovery/core';
import { AER, AER_CONTROL } from '@pci-recovery/pci';
import { type AerRecord } from '../record.js';
import { ADVISORY_NON_FATAL, advisoryStatus } from './anfe.js';

/** An error that firmware hands over with a copy of the AER capability (ACPI APEI, CPER PCIe section). */
export interface FirmwareError {
  readonly bdf: Bdf;
  readonly severity: AerRecord['severity'];
  /** The component must be reset before it is used again (CPER section flag): promotes to fatal. */
  readonly reset?: boolean;
  /** The AER capability from its header on, little-endian, at least {@link FIRMWARE_REGISTERS} bytes. */
  readonly registers: Uint8Array;
}

/** From the capability header to the end of the header log. */
export const FIRMWARE_REGISTERS = AER.HEADER_LOG + 16;

const u32 = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;

/**
 * Decodes what firmware handed over.
 *
 * Source: Linux 7.3 drivers/acpi/apei/ghes.c:ghes_handle_aer, drivers/pci/pcie/aer.c:aer_recover_work_func,
 * __pci_print_aer.
 * @throws PciRecoveryError `ERR_PCI_BAD_FIRMWARE_RECORD` when there are too few bytes.
 */
export function decodeFirmwareError({ bdf, severity, reset, registers }: FirmwareError): AerRecord {
  if (registers.length < FIRMWARE_REGISTERS) {
    throw new PciRecoveryError(
      'ERR_PCI_BAD_FIRMWARE_RECORD',
      `The firmware record of ${bdf} has ${registers.length} bytes of AER registers; ${FIRMWARE_REGISTERS} are needed.`,
      { context: { bdf, bytes: registers.length } },
    );
  }
  const correctable = severity === 'correctable' && !reset;
  const base: AerRecord = {
    origin: 'firmware',
    severity: reset ? 'fatal' : severity,
    multiple: false,
    sourceId: 0,
    status: u32(registers, correctable ? AER.COR_STATUS : AER.UNCOR_STATUS),
    mask: u32(registers, correctable ? AER.COR_MASK : AER.UNCOR_MASK),
    advisory: 0,
    accessible: true,
  };
  if (correctable) return advisoryBehind(base, registers);
  const firstError = u32(registers, AER.CAP_CONTROL) & AER_CONTROL.firstErrorPointer.mask;
  return { ...base, firstError, headerLog: [0, 4, 8, 12].map((offset) => u32(registers, AER.HEADER_LOG + offset)) };
}

/** Firmware passes no Device Status: the kernel takes it that only a correctable error was detected. */
function advisoryBehind(record: AerRecord, registers: Uint8Array): AerRecord {
  if ((record.status & ~record.mask & ADVISORY_NON_FATAL) === 0) return record;
  const [status, mask, severity] = [AER.UNCOR_STATUS, AER.UNCOR_MASK, AER.UNCOR_SEVERITY].map((at) =>
    u32(registers, at),
  );
  return { ...record, advisory: advisoryStatus(0, status!, mask!, severity!) };
}

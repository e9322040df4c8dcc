/**
 * What the kernel does with an error event (R2.1). `measurement`: it concerns the measurement block, nothing is done;
 * `permanent`: the function is lost; `recoverable`: everything else.
 */
export type ErrorClass = 'measurement' | 'permanent' | 'recoverable';

/** An error's PCI event code: its short name and what it says. */
export interface ErrorCode {
  readonly pec: number;
  readonly name: string;
  readonly meaning: string;
}

/**
 * The error codes that are publicly known. Firmware has more: they are valid too.
 *
 * Source: numbers and short names as QEMU's s390 PCI bus has them (ERR_EVENT_…), classes of 0x2a–0x2c, 0x3b and 0x40 in
 * Linux 7.3 arch/s390/pci/pci_event.c:__zpci_event_error.
 */
export const ERROR_CODES: readonly ErrorCode[] = [
  { pec: 0x01, name: 'INVALAS', meaning: 'invalid DMA address space' },
  { pec: 0x02, name: 'OORANGE', meaning: 'DMA address out of range' },
  { pec: 0x03, name: 'INVALTF', meaning: 'invalid translation format' },
  { pec: 0x04, name: 'TPROTE', meaning: 'translation protection' },
  { pec: 0x05, name: 'APROTE', meaning: 'access protection' },
  { pec: 0x06, name: 'KEYE', meaning: 'storage key protection' },
  { pec: 0x07, name: 'INVALTE', meaning: 'invalid translation table entry' },
  { pec: 0x08, name: 'INVALTL', meaning: 'invalid translation table length' },
  { pec: 0x09, name: 'TT', meaning: 'wrong translation table type' },
  { pec: 0x0a, name: 'INVALMS', meaning: 'invalid MSI' },
  { pec: 0x0b, name: 'SERR', meaning: 'system error' },
  { pec: 0x10, name: 'NOMSI', meaning: 'interrupts not registered' },
  { pec: 0x11, name: 'INVALBV', meaning: 'MSI vector beyond the interrupt bit vector' },
  { pec: 0x12, name: 'AIBV', meaning: 'interrupt bit vector not accessible' },
  { pec: 0x13, name: 'AIRERR', meaning: 'interrupt routing' },
  { pec: 0x2a, name: 'FMBA', meaning: 'measurement block address' },
  { pec: 0x2b, name: 'FMBUP', meaning: 'measurement block update' },
  { pec: 0x2c, name: 'FMBPRO', meaning: 'measurement block protection' },
  { pec: 0x30, name: 'CCONF', meaning: 'configuration changed' },
  { pec: 0x3a, name: 'SERVAC', meaning: 'service action in progress' },
  { pec: 0x3b, name: 'PERMERR', meaning: 'permanent error' },
  { pec: 0x40, name: 'RECFAIL', meaning: 'service action or error recovery failed' },
];

const BY_CODE: ReadonlyMap<number, ErrorCode> = new Map(ERROR_CODES.map((code) => [code.pec, code]));

/** A known error code; undefined for one that is not publicly known. */
export const errorCode = (pec: number): ErrorCode | undefined => BY_CODE.get(pec);

/** What the kernel does with an error event. Source: Linux 7.3 arch/s390/pci/pci_event.c:__zpci_event_error. */
export function errorClass(pec: number): ErrorClass {
  switch (pec) {
    case 0x2a:
    case 0x2b:
    case 0x2c:
      return 'measurement';
    case 0x3b:
    case 0x40:
      return 'permanent';
    default:
      return 'recoverable';
  }
}

/**
 * The PCI event codes of availability records (R2.12).
 *
 * Source: Linux 7.3 arch/s390/pci/pci_event.c:zpci_event_avail_existing_device, zpci_event_avail_any_device.
 */
export const AVAILABILITY = {
  /** Reserved or standby → configured. */
  CONFIGURED: 0x301,
  /** Reserved → standby. */
  STANDBY: 0x302,
  /** The platform asks for deconfiguration. */
  DECONFIGURATION_REQUESTED: 0x303,
  /** Configured → standby or reserved, without asking. */
  HARD_DECONFIGURED: 0x304,
  /** Many functions changed: no handle and no id are stored. */
  ANY: 0x306,
  /** Standby → reserved. */
  RESERVED: 0x308,
} as const;

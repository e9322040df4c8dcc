import { bitTable } from './bits.js';
import { flag, value } from './fields.js';

/** Register offsets in bytes within the DPC extended capability (PCIe r6.1 §7.9.14; Linux PCI_EXP_DPC_*). */
export const DPC = {
  /** 16 bits. */
  CAPABILITY: 0x04,
  /** 16 bits. */
  CONTROL: 0x06,
  /** 16 bits. */
  STATUS: 0x08,
  /** 16 bits: requester id. */
  SOURCE_ID: 0x0a,
  /** From here on only with Root Port Extensions. */
  RP_PIO_STATUS: 0x0c,
  RP_PIO_MASK: 0x10,
  RP_PIO_SEVERITY: 0x14,
  RP_PIO_SYSERROR: 0x18,
  RP_PIO_EXCEPTION: 0x1c,
  /** Four dwords, when the log size is at least 4. */
  RP_PIO_HEADER_LOG: 0x20,
  /** One dword, when the log size is at least 5. */
  RP_PIO_IMPSPEC_LOG: 0x30,
  /** Log size − 5 dwords. */
  RP_PIO_PREFIX_LOG: 0x34,
} as const;

/** Lengths in bytes of the DPC capability: without and with Root Port Extensions, the latter without any log. */
export const DPC_LENGTH = { base: 0x0c, rootPort: 0x20 } as const;

/** DPC Capability (PCIe r6.1 §7.9.14.2). */
export const DPC_CAPABILITY = {
  interruptMessageNumber: value(4, 0),
  rootPortExtensions: flag(5),
  poisonedTlpEgressBlocking: flag(6),
  softwareTriggering: flag(7),
  /** Bits 3:0 of the RP PIO Log Size, in dwords. */
  rpPioLogSizeLow: value(11, 8),
  dlActiveErrCor: flag(12),
  /** Bit 4 of the RP PIO Log Size. */
  rpPioLogSizeHigh: flag(13),
} as const;

/** DPC Control (PCIe r6.1 §7.9.14.3). */
export const DPC_CONTROL = {
  /** 0: off, 1: on ERR_FATAL, 2: on ERR_FATAL and ERR_NONFATAL. */
  triggerEnable: value(1, 0),
  completionControl: flag(2),
  interruptEnable: flag(3),
  errCorEnable: flag(4),
  poisonedTlpEgressBlockingEnable: flag(5),
  softwareTrigger: flag(6),
  dlActiveErrCorEnable: flag(7),
  sigSfwEnable: flag(8),
} as const;

/** DPC Status (PCIe r6.1 §7.9.14.4). */
export const DPC_STATUS = {
  triggered: flag(0),
  /** 0: unmasked uncorrectable error, 1: ERR_NONFATAL, 2: ERR_FATAL, 3: see the extension. */
  triggerReason: value(2, 1),
  interruptStatus: flag(3),
  rpBusy: flag(4),
  /** When the reason is 3. 0: RP PIO error, 1: software trigger. */
  triggerReasonExtension: value(6, 5),
  rpPioFirstErrorPointer: value(12, 8),
  sigSfwStatus: flag(13),
} as const;

/** RP PIO Status, Mask, Severity, SysError, Exception (PCIe r6.1 §7.9.14.6–10). */
export const RP_PIO_ERRORS = bitTable([
  [0, 'CfgUR', 'CFG_UR_CPL', 'Configuration Request received UR Completion'],
  [1, 'CfgCA', 'CFG_CA_CPL', 'Configuration Request received CA Completion'],
  [2, 'CfgCTO', 'CFG_CTO', 'Configuration Request Completion Timeout'],
  [8, 'IoUR', 'IO_UR_CPL', 'I/O Request received UR Completion'],
  [9, 'IoCA', 'IO_CA_CPL', 'I/O Request received CA Completion'],
  [10, 'IoCTO', 'IO_CTO', 'I/O Request Completion Timeout'],
  [16, 'MemUR', 'MEM_UR_CPL', 'Memory Request received UR Completion'],
  [17, 'MemCA', 'MEM_CA_CPL', 'Memory Request received CA Completion'],
  [18, 'MemCTO', 'MEM_CTO', 'Memory Request Completion Timeout'],
]);

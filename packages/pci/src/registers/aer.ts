import { bitTable } from './bits.js';
import { flag, value } from './fields.js';

/** Register offsets in bytes within the AER extended capability (PCIe r6.1 §7.8.4; Linux pci_regs.h PCI_ERR_*). */
export const AER = {
  UNCOR_STATUS: 0x04,
  UNCOR_MASK: 0x08,
  UNCOR_SEVERITY: 0x0c,
  COR_STATUS: 0x10,
  COR_MASK: 0x14,
  /** Advanced Error Capabilities and Control. */
  CAP_CONTROL: 0x18,
  /** Header Log: four dwords. */
  HEADER_LOG: 0x1c,
  /** Root ports and event collectors only, like the next four. */
  ROOT_COMMAND: 0x2c,
  ROOT_STATUS: 0x30,
  /** 32 bits: ERR_COR source 15:0, ERR_FATAL/NONFATAL source 31:16. */
  ERROR_SOURCE: 0x34,
  /** 16 bits. */
  COR_SOURCE: 0x34,
  /** 16 bits. */
  UNCOR_SOURCE: 0x36,
  /** TLP Prefix Log: four dwords. In Flit Mode the Header Log goes on here with up to ten dwords. */
  PREFIX_LOG: 0x38,
} as const;

/** Lengths in bytes of the AER capability, as far as it is implemented. */
export const AER_LENGTH = { endpoint: 0x2c, root: 0x38, prefixLog: 0x48, flitLog: 0x60 } as const;

/** Dwords of the Header Log register, the TLP Prefix Log, and the longest log in Flit Mode (Linux include/linux/aer.h). */
export const TLP_LOG_DWORDS = { header: 4, prefix: 4, flit: 14 } as const;

/** Uncorrectable Error Status, Mask and Severity (PCIe r6.1 §7.8.4.2–4). Bit 0 was Training Error in PCIe r1.0. */
export const UNCORRECTABLE_ERRORS = bitTable([
  [0, 'Undefined', 'UND', 'Undefined (Training Error before PCIe r1.1)'],
  [4, 'DLP', 'DLP', 'Data Link Protocol Error'],
  [5, 'SDES', 'SURPDN', 'Surprise Down Error'],
  [12, 'TLP', 'POISON_TLP', 'Poisoned TLP Received'],
  [13, 'FCP', 'FCP', 'Flow Control Protocol Error'],
  [14, 'CmpltTO', 'COMP_TIME', 'Completion Timeout'],
  [15, 'CmpltAbrt', 'COMP_ABORT', 'Completer Abort'],
  [16, 'UnxCmplt', 'UNX_COMP', 'Unexpected Completion'],
  [17, 'RxOF', 'RX_OVER', 'Receiver Overflow'],
  [18, 'MalfTLP', 'MALF_TLP', 'Malformed TLP'],
  [19, 'ECRC', 'ECRC', 'ECRC Error'],
  [20, 'UnsupReq', 'UNSUP', 'Unsupported Request Error'],
  [21, 'ACSViol', 'ACSV', 'ACS Violation'],
  [22, 'UncorrIntErr', 'INTN', 'Uncorrectable Internal Error'],
  [23, 'BlockedTLP', 'MCBTLP', 'MC Blocked TLP'],
  [24, 'AtomicOpBlocked', 'ATOMEG', 'AtomicOp Egress Blocked'],
  [25, 'TLPBlockedErr', 'TLPPRE', 'TLP Prefix Blocked Error'],
  [26, 'PoisonTLPBlocked', 'POISON_BLK', 'Poisoned TLP Egress Blocked'],
  [27, 'DMWrReqBlocked', 'DMWR_BLK', 'DMWr Request Egress Blocked'],
  [28, 'IDECheck', 'IDE_CHECK', 'IDE Check Failed'],
  [29, 'MisIDETLP', 'MISR_IDE', 'Misrouted IDE TLP'],
  [30, 'PCRC_CHECK', 'PCRC_CHECK', 'PCRC Check Failed'],
  [31, 'TLPXlatBlocked', 'XLAT_BLK', 'TLP Translation Egress Blocked'],
]);

/** Correctable Error Status and Mask (PCIe r6.1 §7.8.4.5–6). */
export const CORRECTABLE_ERRORS = bitTable([
  [0, 'RxErr', 'RCVR', 'Receiver Error'],
  [6, 'BadTLP', 'BAD_TLP', 'Bad TLP'],
  [7, 'BadDLLP', 'BAD_DLLP', 'Bad DLLP'],
  [8, 'Rollover', 'REP_ROLL', 'REPLAY_NUM Rollover'],
  [12, 'Timeout', 'REP_TIMER', 'Replay Timer Timeout'],
  [13, 'AdvNonFatalErr', 'ADV_NFAT', 'Advisory Non-Fatal Error'],
  [14, 'CorrIntErr', 'INTERNAL', 'Corrected Internal Error'],
  [15, 'HeaderOF', 'LOG_OVER', 'Header Log Overflow'],
]);

/** Reset value of Uncorrectable Error Severity (PCIe r4.0 §7.8.4.4): DLP, SDES, FCP, RxOF, MalfTLP, UncorrIntErr are fatal. */
export const UNCORRECTABLE_SEVERITY_DEFAULT = 0x0046_2030;

/** Reset value of Correctable Error Mask (PCIe r4.0 §7.8.4.6): AdvNonFatalErr, CorrIntErr and HeaderOF are masked. */
export const CORRECTABLE_MASK_DEFAULT = 0xe000;

/** Advanced Error Capabilities and Control (PCIe r6.1 §7.8.4.7). */
export const AER_CONTROL = {
  firstErrorPointer: value(4, 0),
  ecrcGenerationCapable: flag(5),
  ecrcGenerationEnable: flag(6),
  ecrcCheckCapable: flag(7),
  ecrcCheckEnable: flag(8),
  multipleHeaderRecordingCapable: flag(9),
  multipleHeaderRecordingEnable: flag(10),
  tlpPrefixLogPresent: flag(11),
  completionTimeoutLogCapable: flag(12),
  /** Dwords that the log has room for, where Flit Mode is supported. */
  headerLogSize: value(17, 13),
  /** The logged TLP was received in Flit Mode. */
  loggedInFlitMode: flag(18),
  /** Dwords of the logged TLP header, in Flit Mode only. */
  loggedTlpSize: value(23, 19),
} as const;

/** Root Error Command (PCIe r6.1 §7.8.4.9). */
export const AER_ROOT_COMMAND = {
  correctableReportingEnable: flag(0),
  nonFatalReportingEnable: flag(1),
  fatalReportingEnable: flag(2),
} as const;

/** Root Error Status (PCIe r6.1 §7.8.4.10). All but the message number are write-1-to-clear. */
export const AER_ROOT_STATUS = {
  correctableReceived: flag(0),
  multipleCorrectableReceived: flag(1),
  uncorrectableReceived: flag(2),
  multipleUncorrectableReceived: flag(3),
  firstUncorrectableFatal: flag(4),
  nonFatalReceived: flag(5),
  fatalReceived: flag(6),
  /** Subclass of the first ERR_COR. 0: legacy, 1: SIG_SFW, 2: SIG_OS. */
  errCorSubclass: value(8, 7),
  interruptMessageNumber: value(31, 27),
} as const;

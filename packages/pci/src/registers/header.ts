import { flag, value } from './fields.js';

/** Register offsets in bytes of the configuration header (PCIe r6.1 §7.5.1; PCI LB 3.0 §6.1). */
export const PCI_HEADER = {
  VENDOR_ID: 0x00,
  DEVICE_ID: 0x02,
  COMMAND: 0x04,
  STATUS: 0x06,
  REVISION_ID: 0x08,
  PROGRAMMING_INTERFACE: 0x09,
  SUB_CLASS: 0x0a,
  BASE_CLASS: 0x0b,
  CACHE_LINE_SIZE: 0x0c,
  LATENCY_TIMER: 0x0d,
  HEADER_TYPE: 0x0e,
  BIST: 0x0f,
  BASE_ADDRESS_0: 0x10,
  INTERRUPT_LINE: 0x3c,
  INTERRUPT_PIN: 0x3d,
  /** Types 0 and 1. */
  CAPABILITIES_POINTER: 0x34,
  /** Type 0 from here on. */
  CARDBUS_CIS: 0x28,
  SUBSYSTEM_VENDOR_ID: 0x2c,
  SUBSYSTEM_ID: 0x2e,
  EXPANSION_ROM: 0x30,
  MIN_GRANT: 0x3e,
  MAX_LATENCY: 0x3f,
  /** Type 1 (bridge) from here on. */
  PRIMARY_BUS: 0x18,
  SECONDARY_BUS: 0x19,
  SUBORDINATE_BUS: 0x1a,
  SECONDARY_LATENCY_TIMER: 0x1b,
  IO_BASE: 0x1c,
  IO_LIMIT: 0x1d,
  SECONDARY_STATUS: 0x1e,
  MEMORY_BASE: 0x20,
  MEMORY_LIMIT: 0x22,
  PREFETCHABLE_BASE: 0x24,
  PREFETCHABLE_LIMIT: 0x26,
  PREFETCHABLE_BASE_UPPER: 0x28,
  PREFETCHABLE_LIMIT_UPPER: 0x2c,
  IO_BASE_UPPER: 0x30,
  IO_LIMIT_UPPER: 0x32,
  BRIDGE_EXPANSION_ROM: 0x38,
  BRIDGE_CONTROL: 0x3e,
  /** Type 2 (CardBus bridge) from here on. */
  CARDBUS_CAPABILITIES_POINTER: 0x14,
} as const;

/** Sizes in bytes of configuration space: the header alone, conventional PCI, PCI Express. */
export const CONFIG_SIZE = { header: 64, conventional: 256, extended: 4096 } as const;

/** Header layouts: bits 6:0 of Header Type. */
export const HEADER_TYPE = { NORMAL: 0, BRIDGE: 1, CARDBUS: 2 } as const;

/** Command (PCIe r6.1 §7.5.1.1.3). */
export const COMMAND = {
  ioSpace: flag(0),
  memorySpace: flag(1),
  busMaster: flag(2),
  specialCycles: flag(3),
  memoryWriteInvalidate: flag(4),
  vgaPaletteSnoop: flag(5),
  parityErrorResponse: flag(6),
  stepping: flag(7),
  serrEnable: flag(8),
  fastBackToBack: flag(9),
  interruptDisable: flag(10),
} as const;

/** Status, and Secondary Status of bridges (PCIe r6.1 §7.5.1.1.4, §7.5.1.3.7). */
export const STATUS = {
  immediateReadiness: flag(0),
  interruptStatus: flag(3),
  capabilitiesList: flag(4),
  mhz66Capable: flag(5),
  userDefinableFeatures: flag(6),
  fastBackToBack: flag(7),
  masterDataParityError: flag(8),
  /** 0 fast, 1 medium, 2 slow. */
  devselTiming: value(10, 9),
  signaledTargetAbort: flag(11),
  receivedTargetAbort: flag(12),
  receivedMasterAbort: flag(13),
  /** Signaled System Error; in Secondary Status: Received System Error. */
  systemError: flag(14),
  detectedParityError: flag(15),
} as const;

/** Bridge Control (PCIe r6.1 §7.5.1.3.10). */
export const BRIDGE_CONTROL = {
  parityErrorResponse: flag(0),
  serrEnable: flag(1),
  isaEnable: flag(2),
  vgaEnable: flag(3),
  vga16BitDecode: flag(4),
  masterAbortMode: flag(5),
  secondaryBusReset: flag(6),
  fastBackToBack: flag(7),
  primaryDiscardTimer: flag(8),
  secondaryDiscardTimer: flag(9),
  discardTimerStatus: flag(10),
  discardTimerSerrEnable: flag(11),
} as const;

/** BIST (PCIe r6.1 §7.5.1.1.10). */
export const BIST = { completionCode: value(3, 0), start: flag(6), capable: flag(7) } as const;

import { flag, value } from './fields.js';

/** PCI Express Capabilities (PCIe r6.1 §7.5.3.2). */
export const PCIE_FLAGS = {
  version: value(3, 0),
  type: value(7, 4),
  slotImplemented: flag(8),
  interruptMessageNumber: value(13, 9),
  flitModeSupported: flag(15),
} as const;

/** Device Capabilities (PCIe r6.1 §7.5.3.3). */
export const DEVICE_CAPABILITIES = {
  /** Maximum: 128 << n bytes. */
  maxPayloadSizeSupported: value(2, 0),
  /** log2 of the number of functions. */
  phantomFunctions: value(4, 3),
  extendedTag: flag(5),
  l0sAcceptableLatency: value(8, 6),
  l1AcceptableLatency: value(11, 9),
  attentionButton: flag(12),
  attentionIndicator: flag(13),
  powerIndicator: flag(14),
  roleBasedErrorReporting: flag(15),
  errCorSubclass: flag(16),
  slotPowerLimitValue: value(25, 18),
  slotPowerLimitScale: value(27, 26),
  functionLevelReset: flag(28),
  mixedMaxPayloadSize: flag(29),
  teeIo: flag(30),
} as const;

/** Device Control (PCIe r6.1 §7.5.3.4). */
export const DEVICE_CONTROL = {
  correctableReportingEnable: flag(0),
  nonFatalReportingEnable: flag(1),
  fatalReportingEnable: flag(2),
  unsupportedRequestReportingEnable: flag(3),
  relaxedOrderingEnable: flag(4),
  /** 128 << n bytes. */
  maxPayloadSize: value(7, 5),
  extendedTagEnable: flag(8),
  phantomFunctionsEnable: flag(9),
  auxPowerEnable: flag(10),
  noSnoopEnable: flag(11),
  /** 128 << n bytes. */
  maxReadRequestSize: value(14, 12),
  /** Initiate Function Level Reset; on a PCIe to PCI bridge: Bridge Configuration Retry Enable. */
  functionLevelResetOrBridgeRetry: flag(15),
} as const;

/** Device Status (PCIe r6.1 §7.5.3.5). */
export const DEVICE_STATUS = {
  correctableDetected: flag(0),
  nonFatalDetected: flag(1),
  fatalDetected: flag(2),
  unsupportedRequestDetected: flag(3),
  auxPowerDetected: flag(4),
  transactionsPending: flag(5),
  emergencyPowerReductionDetected: flag(6),
} as const;

/** Link Capabilities (PCIe r6.1 §7.5.3.6). */
export const LINK_CAPABILITIES = {
  maxLinkSpeed: value(3, 0),
  maxLinkWidth: value(9, 4),
  /** Bit 0: L0s, bit 1: L1. */
  aspmSupport: value(11, 10),
  l0sExitLatency: value(14, 12),
  l1ExitLatency: value(17, 15),
  clockPowerManagement: flag(18),
  surpriseDownReporting: flag(19),
  linkActiveReporting: flag(20),
  bandwidthNotification: flag(21),
  aspmOptionalityCompliance: flag(22),
  portNumber: value(31, 24),
} as const;

/** Link Control (PCIe r6.1 §7.5.3.7). */
export const LINK_CONTROL = {
  /** Bit 0: L0s, bit 1: L1. */
  aspmControl: value(1, 0),
  ptmPropagationDelayAdaptation: flag(2),
  /** Read Completion Boundary: 128 bytes when set, else 64. */
  readCompletionBoundary128: flag(3),
  linkDisable: flag(4),
  retrainLink: flag(5),
  commonClock: flag(6),
  extendedSynch: flag(7),
  clockPowerManagementEnable: flag(8),
  autonomousWidthDisable: flag(9),
  bandwidthManagementInterruptEnable: flag(10),
  autonomousBandwidthInterruptEnable: flag(11),
  sriseControl: flag(12),
  flitModeDisable: flag(13),
  drsSignalingControl: value(15, 14),
} as const;

/** Link Status (PCIe r6.1 §7.5.3.8). */
export const LINK_STATUS = {
  currentLinkSpeed: value(3, 0),
  negotiatedLinkWidth: value(9, 4),
  /** Training Error of PCIe r1.0; undefined since. */
  trainingError: flag(10),
  linkTraining: flag(11),
  slotClock: flag(12),
  dataLinkLayerActive: flag(13),
  bandwidthManagementStatus: flag(14),
  autonomousBandwidthStatus: flag(15),
} as const;

/** Slot Capabilities (PCIe r6.1 §7.5.3.9). */
export const SLOT_CAPABILITIES = {
  attentionButton: flag(0),
  powerController: flag(1),
  mrlSensor: flag(2),
  attentionIndicator: flag(3),
  powerIndicator: flag(4),
  hotPlugSurprise: flag(5),
  hotPlugCapable: flag(6),
  slotPowerLimitValue: value(14, 7),
  slotPowerLimitScale: value(16, 15),
  electromechanicalInterlock: flag(17),
  noCommandCompleted: flag(18),
  physicalSlotNumber: value(31, 19),
} as const;

/** Slot Control (PCIe r6.1 §7.5.3.10). */
export const SLOT_CONTROL = {
  attentionButtonEnable: flag(0),
  powerFaultEnable: flag(1),
  mrlSensorEnable: flag(2),
  presenceDetectEnable: flag(3),
  commandCompletedEnable: flag(4),
  hotPlugInterruptEnable: flag(5),
  /** 1 on, 2 blink, 3 off. */
  attentionIndicator: value(7, 6),
  /** 1 on, 2 blink, 3 off. */
  powerIndicator: value(9, 8),
  /** Set: power is off. */
  powerControllerOff: flag(10),
  electromechanicalInterlock: flag(11),
  linkStateChangedEnable: flag(12),
  autoSlotPowerLimitDisable: flag(13),
  inBandPresenceDetectDisable: flag(14),
} as const;

/** Slot Status (PCIe r6.1 §7.5.3.11). */
export const SLOT_STATUS = {
  attentionButtonPressed: flag(0),
  powerFaultDetected: flag(1),
  mrlSensorChanged: flag(2),
  presenceDetectChanged: flag(3),
  commandCompleted: flag(4),
  mrlSensorOpen: flag(5),
  presenceDetected: flag(6),
  electromechanicalInterlock: flag(7),
  linkStateChanged: flag(8),
} as const;

/** Root Control (PCIe r6.1 §7.5.3.12). */
export const ROOT_CONTROL = {
  systemErrorOnCorrectable: flag(0),
  systemErrorOnNonFatal: flag(1),
  systemErrorOnFatal: flag(2),
  pmeInterruptEnable: flag(3),
  rrsVisibilityEnable: flag(4),
  noNfmSubtreeBelow: flag(5),
} as const;

/** Root Capabilities (PCIe r6.1 §7.5.3.13). */
export const ROOT_CAPABILITIES = { rrsVisibility: flag(0) } as const;

/** Root Status (PCIe r6.1 §7.5.3.14). */
export const ROOT_STATUS = { pmeRequesterId: value(15, 0), pmeStatus: flag(16), pmePending: flag(17) } as const;

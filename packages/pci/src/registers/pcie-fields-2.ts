import { flag, value } from './fields.js';

/** Device Capabilities 2 (PCIe r6.1 §7.5.3.15). */
export const DEVICE_CAPABILITIES_2 = {
  /** Bits for the ranges A, B, C, D. */
  completionTimeoutRanges: value(3, 0),
  completionTimeoutDisable: flag(4),
  ariForwarding: flag(5),
  atomicOpRouting: flag(6),
  atomicOp32Completer: flag(7),
  atomicOp64Completer: flag(8),
  cas128Completer: flag(9),
  noRoEnabledPrPrPassing: flag(10),
  ltrMechanism: flag(11),
  tphCompleter: value(13, 12),
  lnSystemCls: value(15, 14),
  tag10BitCompleter: flag(16),
  tag10BitRequester: flag(17),
  obff: value(19, 18),
  extendedFmt: flag(20),
  endEndTlpPrefix: flag(21),
  /** 0 means 4. */
  maxEndEndTlpPrefixes: value(23, 22),
  emergencyPowerReduction: value(25, 24),
  emergencyPowerReductionInit: flag(26),
  dmwrCompleter: flag(28),
  dmwrLengths: value(30, 29),
  frs: flag(31),
} as const;

/** Device Control 2 (PCIe r6.1 §7.5.3.16). */
export const DEVICE_CONTROL_2 = {
  completionTimeout: value(3, 0),
  completionTimeoutDisable: flag(4),
  ariForwardingEnable: flag(5),
  atomicOpRequesterEnable: flag(6),
  atomicOpEgressBlocking: flag(7),
  idoRequestEnable: flag(8),
  idoCompletionEnable: flag(9),
  ltrMechanismEnable: flag(10),
  emergencyPowerReductionRequest: flag(11),
  tag10BitRequesterEnable: flag(12),
  obffEnable: value(14, 13),
  endEndTlpPrefixBlocking: flag(15),
} as const;

/** Link Capabilities 2 (PCIe r6.1 §7.5.3.18). */
export const LINK_CAPABILITIES_2 = {
  /** Bit n: the speed with code n + 1. */
  supportedLinkSpeeds: value(7, 1),
  crosslink: flag(8),
  lowerSkpGeneration: value(15, 9),
  lowerSkpReception: value(22, 16),
  retimerPresenceDetect: flag(23),
  twoRetimersPresenceDetect: flag(24),
  drs: flag(31),
} as const;

/** Link Control 2 (PCIe r6.1 §7.5.3.19). */
export const LINK_CONTROL_2 = {
  targetLinkSpeed: value(3, 0),
  enterCompliance: flag(4),
  autonomousSpeedDisable: flag(5),
  /** Set: −3.5 dB, clear: −6 dB. */
  selectableDeemphasis: flag(6),
  transmitMargin: value(9, 7),
  enterModifiedCompliance: flag(10),
  complianceSos: flag(11),
  compliancePreset: value(15, 12),
} as const;

/** Link Status 2 (PCIe r6.1 §7.5.3.20). */
export const LINK_STATUS_2 = {
  /** Set: −3.5 dB, clear: −6 dB. */
  currentDeemphasis: flag(0),
  equalizationComplete: flag(1),
  equalizationPhase1: flag(2),
  equalizationPhase2: flag(3),
  equalizationPhase3: flag(4),
  linkEqualizationRequest: flag(5),
  retimerPresence: flag(6),
  twoRetimersPresence: flag(7),
  crosslinkResolution: value(9, 8),
  flitModeStatus: flag(10),
  downstreamComponentPresence: value(14, 12),
  drsMessageReceived: flag(15),
} as const;

/** Slot Capabilities 2 (PCIe r6.1 §7.5.3.21). */
export const SLOT_CAPABILITIES_2 = { inBandPresenceDetectDisable: flag(0) } as const;

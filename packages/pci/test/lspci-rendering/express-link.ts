import { leadsDownstream, type PcieCapability, type PortType } from '../../src/index.js';
import {
  ASPM_CONTROL,
  ASPM_SUPPORT,
  COMPLIANCE_PRESETS,
  CROSSLINK,
  DEEMPHASIS,
  DOWNSTREAM_COMPONENTS,
  L0S,
  L1,
  SPEEDS,
  TRANSMIT_MARGINS,
} from './express-words.js';
import { mark, marks } from './text.js';

const speed = (code: number): string => SPEEDS[code] ?? 'unknown';

/** How what was negotiated compares with what could be: only the lower end of a link is called downgraded. */
function compared(type: PortType | undefined, status: number, capability: number): string {
  if (status > capability) return ' (overdriven)';
  if (status === capability || leadsDownstream(type)) return '';
  return ' (downgraded)';
}

function exitLatency(support: number, l0s: number, l1: number): string {
  const parts = [...(support & 1 ? [`L0s ${L0S[l0s]}`] : []), ...(support & 2 ? [`L1 ${L1[l1]}`] : [])];
  return parts.length ? `, Exit Latency ${parts.join(', ')}` : '';
}

/** `LnkCap`, `LnkCtl`, `LnkSta`. */
export function linkLines(pcie: PcieCapability): string[] {
  const c = pcie.linkCapabilities;
  const k = pcie.linkControl;
  const s = pcie.linkStatus;
  const type = pcie.portType;
  const withBoundary =
    type === 'root_port' || type === 'endpoint' || type === 'legacy_endpoint' || type === 'pcie_to_pci_bridge';
  const boundary = withBoundary ? ` RCB ${k.readCompletionBoundary128 ? 128 : 64} bytes,` : '';
  const latency = exitLatency(c.aspmSupport, c.l0sExitLatency, c.l1ExitLatency);
  return [
    `\t\tLnkCap:\tPort #${c.portNumber}, Speed ${speed(c.maxLinkSpeed)}, Width x${c.maxLinkWidth}, ASPM ${ASPM_SUPPORT[c.aspmSupport]}${latency}`,
    `\t\t\t${marks(['ClockPM', c.clockPowerManagement], ['Surprise', c.surpriseDownReporting], ['LLActRep', c.linkActiveReporting], ['BwNot', c.bandwidthNotification], ['ASPMOptComp', c.aspmOptionalityCompliance])}`,
    `\t\tLnkCtl:\tASPM ${ASPM_CONTROL[k.aspmControl]};${boundary} ${marks(['LnkDisable', k.linkDisable], ['CommClk', k.commonClock])}`,
    `\t\t\t${marks(['ExtSynch', k.extendedSynch], ['ClockPM', k.clockPowerManagementEnable], ['AutWidDis', k.autonomousWidthDisable], ['BWInt', k.bandwidthManagementInterruptEnable], ['AutBWInt', k.autonomousBandwidthInterruptEnable])}`,
    `\t\tLnkSta:\tSpeed ${speed(s.currentLinkSpeed)}${compared(type, s.currentLinkSpeed, c.maxLinkSpeed)}, Width x${s.negotiatedLinkWidth}${compared(type, s.negotiatedLinkWidth, c.maxLinkWidth)}`,
    `\t\t\t${marks(['TrErr', s.trainingError], ['Train', s.linkTraining], ['SlotClk', s.slotClock], ['DLActive', s.dataLinkLayerActive], ['BWMgmt', s.bandwidthManagementStatus], ['ABWMgmt', s.autonomousBandwidthStatus])}`,
  ];
}

/** lspci takes the highest speed of the vector for all below it (PCIe r5.0 §8.2.1). */
function supportedSpeeds(vector: number): string {
  if (vector & 0x40) return 'RsvdP';
  const highest = 31 - Math.clz32(vector);
  if (highest < 0) return 'Unknown';
  return highest === 0 ? '2.5GT/s' : `2.5-${SPEEDS[highest + 1]}`;
}

function linkControl2(pcie: PcieCapability): string[] {
  const k = pcie.linkControl2;
  // Code 0 is hardwired where only 2.5 GT/s is supported.
  const target = k.targetLinkSpeed === 0 ? SPEEDS[1] : (SPEEDS[k.targetLinkSpeed] ?? 'Unknown');
  const deemphasis =
    pcie.portType === 'downstream_port'
      ? `, Selectable De-emphasis: ${DEEMPHASIS[Number(k.selectableDeemphasis)]}`
      : '';
  return [
    `\t\tLnkCtl2: Target Link Speed: ${target}, ${marks(['EnterCompliance', k.enterCompliance], ['SpeedDis', k.autonomousSpeedDisable])}${deemphasis}`,
    `\t\t\t Transmit Margin: ${TRANSMIT_MARGINS[k.transmitMargin] ?? 'Unknown'}, ${marks(['EnterModifiedCompliance', k.enterModifiedCompliance], ['ComplianceSOS', k.complianceSos])}`,
    `\t\t\t Compliance Preset/De-emphasis: ${COMPLIANCE_PRESETS[k.compliancePreset] ?? 'Unknown'}`,
  ];
}

/**
 * `LnkCap2`, `LnkCtl2`, `LnkSta2`. lspci leaves the first two out for an endpoint that is not device 0, function 0, and
 * then takes DRS as not supported; Link Capabilities 2 is left out where it is zero, as before PCIe r3.0.
 */
export function linkTwoLines(pcie: PcieCapability, first: boolean): string[] {
  const endpoint = pcie.portType === 'endpoint' || pcie.portType === 'legacy_endpoint';
  const whole = first || !endpoint;
  const c = pcie.linkCapabilities2;
  const s = pcie.linkStatus2;
  const drs = whole && leadsDownstream(pcie.portType) && c.drs;
  const capability = `\t\tLnkCap2: Supported Link Speeds: ${supportedSpeeds(c.supportedLinkSpeeds)}, ${marks(['Crosslink', c.crosslink], ['Retimer', c.retimerPresenceDetect], ['2Retimers', c.twoRetimersPresenceDetect], ['DRS', c.drs])}`;
  return [
    ...(whole && pcie.registers.linkCapabilities2 ? [capability] : []),
    ...(whole ? linkControl2(pcie) : []),
    `\t\tLnkSta2: Current De-emphasis Level: ${DEEMPHASIS[Number(s.currentDeemphasis)]}, ${marks(['EqualizationComplete', s.equalizationComplete], ['EqualizationPhase1', s.equalizationPhase1])}`,
    `\t\t\t ${marks(['EqualizationPhase2', s.equalizationPhase2], ['EqualizationPhase3', s.equalizationPhase3], ['LinkEqualizationRequest', s.linkEqualizationRequest])}`,
    `\t\t\t ${marks(['Retimer', s.retimerPresence], ['2Retimers', s.twoRetimersPresence])} CrosslinkRes: ${CROSSLINK[s.crosslinkResolution]}${drs ? `, DRS${mark(s.drsMessageReceived)}` : ''}`,
    ...(drs ? [`\t\t\t DownstreamComp: ${DOWNSTREAM_COMPONENTS[s.downstreamComponentPresence] ?? 'Reserved'}`] : []),
  ];
}

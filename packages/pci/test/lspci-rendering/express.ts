import { leadsDownstream, type PcieCapability, type PortType } from '../../src/index.js';
import { linkLines, linkTwoLines } from './express-link.js';
import {
  ATTENTION,
  COMPLETION_TIMEOUTS,
  EPR,
  LN_CLS,
  OBFF_ENABLED,
  OBFF_SUPPORTED,
  powerLimit,
  TIMEOUT_RANGES,
  TPH,
  L0S,
  L1,
} from './express-words.js';
import { hex, mark, marks } from './text.js';

const is = (type: PortType | undefined, ...among: readonly PortType[]): boolean =>
  type !== undefined && among.includes(type);

const TITLES: Readonly<Record<PortType, string>> = {
  endpoint: 'Endpoint',
  legacy_endpoint: 'Legacy Endpoint',
  root_port: 'Root Port',
  upstream_port: 'Upstream Port',
  downstream_port: 'Downstream Port',
  pcie_to_pci_bridge: 'PCI-Express to PCI/PCI-X Bridge',
  pci_to_pcie_bridge: 'PCI/PCI-X to PCI-Express Bridge',
  rciep: 'Root Complex Integrated Endpoint',
  rcec: 'Root Complex Event Collector',
};

function title(pcie: PcieCapability): string {
  const { flags, portType, version } = pcie;
  const name = portType ? TITLES[portType] : `Unknown type ${flags.type}`;
  const slot = leadsDownstream(portType) ? ` (Slot${mark(flags.slotImplemented)})` : '';
  return `Express (v${version}) ${name}${slot}, IntMsgNum ${flags.interruptMessageNumber}`;
}

function deviceCapabilities(pcie: PcieCapability): string[] {
  const c = pcie.deviceCapabilities;
  const type = pcie.portType;
  const latencies = is(type, 'endpoint', 'legacy_endpoint')
    ? `, Latency L0s ${L0S[c.l0sAcceptableLatency]}, L1 ${L1[c.l1AcceptableLatency]}`
    : '';
  const indicators = is(type, 'endpoint', 'legacy_endpoint', 'upstream_port', 'pcie_to_pci_bridge')
    ? ` ${marks(['AttnBtn', c.attentionButton], ['AttnInd', c.attentionIndicator], ['PwrInd', c.powerIndicator])}`
    : '';
  const flr = is(type, 'endpoint', 'legacy_endpoint', 'rciep') ? ` FLReset${mark(c.functionLevelReset)}` : '';
  const power = is(type, 'endpoint', 'upstream_port', 'pcie_to_pci_bridge')
    ? ` SlotPowerLimit ${powerLimit(c.slotPowerLimitValue, c.slotPowerLimitScale)}`
    : '';
  return [
    `\t\tDevCap:\tMaxPayload ${128 << c.maxPayloadSizeSupported} bytes, PhantFunc ${(1 << c.phantomFunctions) - 1}${latencies}`,
    `\t\t\tExtTag${mark(c.extendedTag)}${indicators} RBE${mark(c.roleBasedErrorReporting)}${flr}${power} TEE-IO${mark(c.teeIo)}`,
  ];
}

function deviceControlAndStatus(pcie: PcieCapability): string[] {
  const c = pcie.deviceControl;
  const s = pcie.deviceStatus;
  const type = pcie.portType;
  const retry = is(type, 'pcie_to_pci_bridge') ? ` BrConfRtry${mark(c.functionLevelResetOrBridgeRetry)}` : '';
  const resets = is(type, 'endpoint', 'legacy_endpoint', 'rciep') && pcie.deviceCapabilities.functionLevelReset;
  return [
    `\t\tDevCtl:\t${marks(['CorrErr', c.correctableReportingEnable], ['NonFatalErr', c.nonFatalReportingEnable], ['FatalErr', c.fatalReportingEnable], ['UnsupReq', c.unsupportedRequestReportingEnable])}`,
    `\t\t\t${marks(['RlxdOrd', c.relaxedOrderingEnable], ['ExtTag', c.extendedTagEnable], ['PhantFunc', c.phantomFunctionsEnable], ['AuxPwr', c.auxPowerEnable], ['NoSnoop', c.noSnoopEnable])}${retry}${resets ? ` FLReset${mark(c.functionLevelResetOrBridgeRetry)}` : ''}`,
    `\t\t\tMaxPayload ${128 << c.maxPayloadSize} bytes, MaxReadReq ${128 << c.maxReadRequestSize} bytes`,
    `\t\tDevSta:\t${marks(['CorrErr', s.correctableDetected], ['NonFatalErr', s.nonFatalDetected], ['FatalErr', s.fatalDetected], ['UnsupReq', s.unsupportedRequestDetected], ['AuxPwr', s.auxPowerDetected], ['TransPend', s.transactionsPending])}`,
  ];
}

function slotLines(pcie: PcieCapability): string[] {
  const c = pcie.slotCapabilities;
  const k = pcie.slotControl;
  const s = pcie.slotStatus;
  return [
    `\t\tSltCap:\t${marks(['AttnBtn', c.attentionButton], ['PwrCtrl', c.powerController], ['MRL', c.mrlSensor], ['AttnInd', c.attentionIndicator], ['PwrInd', c.powerIndicator], ['HotPlug', c.hotPlugCapable], ['Surprise', c.hotPlugSurprise])}`,
    `\t\t\tSlot #${c.physicalSlotNumber}, PowerLimit ${powerLimit(c.slotPowerLimitValue, c.slotPowerLimitScale)}; ${marks(['Interlock', c.electromechanicalInterlock], ['NoCompl', c.noCommandCompleted])}`,
    `\t\tSltCtl:\tEnable: ${marks(['AttnBtn', k.attentionButtonEnable], ['PwrFlt', k.powerFaultEnable], ['MRL', k.mrlSensorEnable], ['PresDet', k.presenceDetectEnable], ['CmdCplt', k.commandCompletedEnable], ['HPIrq', k.hotPlugInterruptEnable], ['LinkChg', k.linkStateChangedEnable])}`,
    `\t\t\tControl: AttnInd ${ATTENTION[k.attentionIndicator]}, PwrInd ${ATTENTION[k.powerIndicator]}, ${marks(['Power', k.powerControllerOff], ['Interlock', k.electromechanicalInterlock])}`,
    `\t\tSltSta:\tStatus: ${marks(['AttnBtn', s.attentionButtonPressed], ['PowerFlt', s.powerFaultDetected], ['MRL', s.mrlSensorOpen], ['CmdCplt', s.commandCompleted], ['PresDet', s.presenceDetected], ['Interlock', s.electromechanicalInterlock])}`,
    `\t\t\tChanged: ${marks(['MRL', s.mrlSensorChanged], ['PresDet', s.presenceDetectChanged], ['LinkState', s.linkStateChanged])}`,
  ];
}

function rootLines(pcie: PcieCapability): string[] {
  const c = pcie.rootControl;
  const s = pcie.rootStatus;
  return [
    `\t\tRootCap: CRSVisible${mark(pcie.rootCapabilities.rrsVisibility)}`,
    `\t\tRootCtl: ${marks(['ErrCorrectable', c.systemErrorOnCorrectable], ['ErrNon-Fatal', c.systemErrorOnNonFatal], ['ErrFatal', c.systemErrorOnFatal], ['PMEIntEna', c.pmeInterruptEnable], ['CRSVisible', c.rrsVisibilityEnable])}`,
    `\t\tRootSta: PME ReqID ${hex(s.pmeRequesterId, 4)}, ${marks(['PMEStatus', s.pmeStatus], ['PMEPending', s.pmePending])}`,
  ];
}

function atomicOpsCapability(pcie: PcieCapability, memoryBar: boolean): string[] {
  const c = pcie.deviceCapabilities2;
  const port = is(pcie.portType, 'root_port', 'upstream_port', 'downstream_port');
  if (!port && !memoryBar) return [];
  const routing = port ? ` Routing${mark(c.atomicOpRouting)}` : '';
  const completes = is(pcie.portType, 'root_port') || memoryBar;
  const completer = marks(
    ['32bit', c.atomicOp32Completer],
    ['64bit', c.atomicOp64Completer],
    ['128bitCAS', c.cas128Completer],
  );
  return [`\t\t\t AtomicOpsCap:${routing}${completes ? ` ${completer}` : ''}`];
}

/** A reserved TPH completer code leaves a space before nothing. */
function deviceCapabilities2(pcie: PcieCapability, memoryBar: boolean): string[] {
  const c = pcie.deviceCapabilities2;
  const type = pcie.portType;
  const prefixes = c.endEndTlpPrefix ? `, MaxEETLPPrefixes ${pcie.maxEndEndPrefixes}` : '';
  const lineSize = is(type, 'root_port') ? ` LN System CLS ${LN_CLS[c.lnSystemCls]},` : '';
  const hints = is(type, 'root_port', 'endpoint') ? ` ${TPH[c.tphCompleter]}` : '';
  const ari = is(type, 'root_port', 'downstream_port') ? ` ARIFwd${mark(c.ariForwarding)}` : '';
  return [
    `\t\tDevCap2: Completion Timeout: ${TIMEOUT_RANGES[c.completionTimeoutRanges] ?? 'Unknown'}, ${marks(['TimeoutDis', c.completionTimeoutDisable], ['NROPrPrP', c.noRoEnabledPrPrPassing], ['LTR', c.ltrMechanism])}`,
    `\t\t\t ${marks(['10BitTagComp', c.tag10BitCompleter], ['10BitTagReq', c.tag10BitRequester])} OBFF ${OBFF_SUPPORTED[c.obff]}, ${marks(['ExtFmt', c.extendedFmt], ['EETLPPrefix', c.endEndTlpPrefix])}${prefixes}`,
    `\t\t\t EmergencyPowerReduction ${EPR[c.emergencyPowerReduction]}, EmergencyPowerReductionInit${mark(c.emergencyPowerReductionInit)}`,
    `\t\t\t FRS${mark(c.frs)}${lineSize}${hints}${ari}`,
    ...atomicOpsCapability(pcie, memoryBar),
  ];
}

function deviceControl2(pcie: PcieCapability): string[] {
  const c = pcie.deviceControl2;
  const type = pcie.portType;
  const ari = is(type, 'root_port', 'downstream_port') ? ` ARIFwd${mark(c.ariForwardingEnable)}` : '';
  const requester = is(type, 'root_port', 'endpoint', 'rciep', 'legacy_endpoint')
    ? ` ReqEn${mark(c.atomicOpRequesterEnable)}`
    : '';
  const blocking = is(type, 'root_port', 'upstream_port', 'downstream_port')
    ? ` EgressBlck${mark(c.atomicOpEgressBlocking)}`
    : '';
  return [
    `\t\tDevCtl2: Completion Timeout: ${COMPLETION_TIMEOUTS[c.completionTimeout] ?? 'Unknown'}, TimeoutDis${mark(c.completionTimeoutDisable)}${ari}`,
    ...(requester || blocking ? [`\t\t\t AtomicOpsCtl:${requester}${blocking}`] : []),
    `\t\t\t ${marks(['IDOReq', c.idoRequestEnable], ['IDOCompl', c.idoCompletionEnable], ['LTR', c.ltrMechanismEnable], ['EmergencyPowerReductionReq', c.emergencyPowerReductionRequest])}`,
    `\t\t\t 10BitTagReq${mark(c.tag10BitRequesterEnable)} OBFF ${OBFF_ENABLED[c.obffEnable]}, EETLPPrefixBlk${mark(c.endEndTlpPrefixBlocking)}`,
  ];
}

/** What else the lines depend on. */
export interface ExpressSurroundings {
  /** The function has memory that its base addresses map. */
  readonly memoryBar: boolean;
  /** Device and function number are 0. */
  readonly first: boolean;
}

/** All lines of the Express capability, the first without `Capabilities: [xx]`. */
export function expressLines(pcie: PcieCapability, { memoryBar, first }: ExpressSurroundings): string[] {
  return [
    title(pcie),
    ...deviceCapabilities(pcie),
    ...deviceControlAndStatus(pcie),
    ...(pcie.link ? linkLines(pcie) : []),
    ...(pcie.slot ? slotLines(pcie) : []),
    ...(pcie.root ? rootLines(pcie) : []),
    ...(pcie.second ? [...deviceCapabilities2(pcie, memoryBar), ...deviceControl2(pcie)] : []),
    ...(pcie.second && pcie.link ? linkTwoLines(pcie, first) : []),
  ];
}

import {
  type AerCapability,
  type BitTable,
  CORRECTABLE_ERRORS,
  type DpcCapability,
  UNCORRECTABLE_ERRORS,
} from '../../src/index.js';
import { hex, mark, marks } from './text.js';

const bits = (register: number, table: BitTable): string =>
  marks(...table.map(({ short, mask }) => [short, (register & mask) !== 0] as const));

/** lspci leaves out bit 0 (Training Error of PCIe r1.0). */
const NAMED = UNCORRECTABLE_ERRORS.filter(({ bit }) => bit > 0);

const uncorrectable = (title: string, register: number): string[] => [
  `\t\t${title}:\t${bits(register, NAMED.slice(0, 9))}`,
  `\t\t\t${bits(register, NAMED.slice(9, 16))}`,
  `\t\t\t${bits(register, NAMED.slice(16))}`,
];

/** lspci 3.13 prints neither the TLP Prefix Log nor what Flit Mode logs; those are proven otherwise. */
export function aerLines(aer: AerCapability): string[] {
  const r = aer.registers;
  const c = aer.control;
  return [
    'Advanced Error Reporting',
    ...uncorrectable('UESta', r.uncorrectableStatus),
    ...uncorrectable('UEMsk', r.uncorrectableMask),
    ...uncorrectable('UESvrt', r.uncorrectableSeverity),
    `\t\tCESta:\t${bits(r.correctableStatus, CORRECTABLE_ERRORS)}`,
    `\t\tCEMsk:\t${bits(r.correctableMask, CORRECTABLE_ERRORS)}`,
    `\t\tAERCap:\tFirst Error Pointer: ${hex(c.firstErrorPointer, 2)}, ${marks(['ECRCGenCap', c.ecrcGenerationCapable], ['ECRCGenEn', c.ecrcGenerationEnable], ['ECRCChkCap', c.ecrcCheckCapable], ['ECRCChkEn', c.ecrcCheckEnable])}`,
    `\t\t\t${marks(['MultHdrRecCap', c.multipleHeaderRecordingCapable], ['MultHdrRecEn', c.multipleHeaderRecordingEnable], ['TLPPfxPres', c.tlpPrefixLogPresent], ['HdrLogCap', c.completionTimeoutLogCapable])}`,
    `\t\tHeaderLog: ${r.headerLog.map((dword) => hex(dword, 8)).join(' ')}`,
    ...aerRootLines(aer),
  ];
}

function aerRootLines({ root }: AerCapability): string[] {
  if (!root) return [];
  const { command: c, status: s } = root;
  return [
    `\t\tRootCmd: ${marks(['CERptEn', c.correctableReportingEnable], ['NFERptEn', c.nonFatalReportingEnable], ['FERptEn', c.fatalReportingEnable])}`,
    `\t\tRootSta: ${marks(['CERcvd', s.correctableReceived], ['MultCERcvd', s.multipleCorrectableReceived], ['UERcvd', s.uncorrectableReceived], ['MultUERcvd', s.multipleUncorrectableReceived])}`,
    `\t\t\t ${marks(['FirstFatal', s.firstUncorrectableFatal], ['NonFatalMsg', s.nonFatalReceived], ['FatalMsg', s.fatalReceived])} IntMsgNum ${s.interruptMessageNumber}`,
    `\t\tErrorSrc: ERR_COR: ${hex(root.correctableSource, 4)} ERR_FATAL/NONFATAL: ${hex(root.uncorrectableSource, 4)}`,
  ];
}

/**
 * lspci prints the low four bits of the RP PIO Log Size only, so that a log of 16 dwords reads as 0 there; bit 4 is in
 * bit 13 of the register. It prints none of the RP PIO registers.
 */
export function dpcLines(dpc: DpcCapability): string[] {
  const { capability: c, control: k, status: s } = dpc;
  return [
    'Downstream Port Containment',
    `\t\tDpcCap:\tIntMsgNum ${c.interruptMessageNumber}, ${marks(['RPExt', c.rootPortExtensions], ['PoisonedTLP', c.poisonedTlpEgressBlocking], ['SwTrigger', c.softwareTriggering])} RP PIO Log ${c.rpPioLogSizeLow}, DL_ActiveErr${mark(c.dlActiveErrCor)}`,
    `\t\tDpcCtl:\tTrigger:${k.triggerEnable.toString(16)} ${marks(['Cmpl', k.completionControl], ['INT', k.interruptEnable], ['ErrCor', k.errCorEnable], ['PoisonedTLP', k.poisonedTlpEgressBlockingEnable], ['SwTrigger', k.softwareTrigger], ['DL_ActiveErr', k.dlActiveErrCorEnable])}`,
    `\t\tDpcSta:\tTrigger${mark(s.triggered)} Reason:${hex(s.triggerReason, 2)} ${marks(['INT', s.interruptStatus], ['RPBusy', s.rpBusy])} TriggerExt:${hex(s.triggerReasonExtension, 2)} RP PIO ErrPtr:${hex(s.rpPioFirstErrorPointer, 2)}`,
    `\t\tSource:\t${hex(dpc.registers.sourceId, 4)}`,
  ];
}

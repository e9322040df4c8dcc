import { isBdf, parseBdf } from '@pci-recovery/core';
import { AER_DETAIL_ROWS, AER_GLOBAL_ROWS, AER_ROWS, DPC_ROWS, type AerDetail } from './aer-lines.js';
import { EEH_BARE_ROWS, EEH_DEVICE_ROWS, EEH_ROWS } from './eeh-lines.js';
import { type AerLogLine, type EehLogLine, type LogPlace, type LogSubject, type ZpciLogLine } from './record.js';
import { matchRow, type RowRecord } from './row.js';
import { ZPCI_DEVICE_ROWS, ZPCI_ROWS } from './zpci-lines.js';

type WithoutPlace<T> = T extends unknown ? Omit<T, keyof LogPlace> : never;

/** A line that is a record of its own. */
export type RecognisedLine = WithoutPlace<AerLogLine | EehLogLine | ZpciLogLine>;

/** A line that describes an error together with others. */
export interface RecognisedDetail {
  readonly detail: AerDetail;
  readonly subject: Required<Pick<LogSubject, 'bdf'>> & LogSubject;
  /** The line says that it is about AER; otherwise its neighbours must. */
  readonly marked: boolean;
}

const DEVICE =
  /^(\S[^:[\]]{0,40}?) ([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])(?::pcie[0-9a-f]{2,4})?: *(?:(AER|DPC):? +)?(.*)$/i;
const EEH_DEVICE = /^PCI ([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])#([0-9a-f]{1,8}): EEH: (.*)$/i;
const ZPCI = /^zpci: (?:(n\/a|[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]): )?(.*)$/i;
const AER_GLOBAL = /^AER: (.*)$/;
const EEH_GLOBAL = /^EEH: (.*)$/;

/** Lines that speak for themselves: in old kernels they have no "AER:". "has been reset" is other drivers' word too. */
const SELF_EVIDENT_LINES: ReadonlySet<string> = new Set<RowRecord<(typeof AER_ROWS)[number]>['kind']>([
  'error_message',
  'source_not_found',
  'broadcast',
  'cannot_recover',
  'link_reset',
  'recovery_succeeded',
  'recovery_failed',
]);

/** Details that speak for themselves; a bit could be any driver's. */
const SELF_EVIDENT: ReadonlySet<AerDetail['kind']> = new Set([
  'bus_error',
  'device_status',
  'status_mask',
  'uncor_severity',
  'layer_agent',
]);

const other = (text: string): { kind: 'other'; text: string } => ({ kind: 'other', text });

function ofDevice(found: RegExpExecArray): RecognisedLine | RecognisedDetail | undefined {
  const [, boundDriver, address, marker, rest] = found as unknown as [
    string,
    string,
    string,
    string | undefined,
    string,
  ];
  if (!isBdf(address)) return undefined;
  const mark = marker?.toUpperCase();
  const subject = { bdf: parseBdf(address), boundDriver };
  if (mark === 'DPC') return { platform: 'aer', ...subject, ...(matchRow(DPC_ROWS, rest) ?? other(rest)) };
  const line = matchRow(AER_ROWS, rest);
  if (line !== undefined && (mark === 'AER' || SELF_EVIDENT_LINES.has(line.kind))) {
    return { platform: 'aer', ...subject, ...line };
  }
  const detail = matchRow(AER_DETAIL_ROWS, rest);
  if (detail) return { detail, subject, marked: mark === 'AER' || SELF_EVIDENT.has(detail.kind) };
  if (mark === 'AER') return { platform: 'aer', ...subject, ...other(rest) };
  const dropped = matchRow(ZPCI_DEVICE_ROWS, rest);
  return dropped && { platform: 'zpci', ...subject, ...dropped };
}

function ofEeh(message: string): RecognisedLine | undefined {
  const device = EEH_DEVICE.exec(message);
  if (device) {
    const [, address, pe, rest] = device as unknown as [string, string, string, string];
    const bdf = isBdf(address) ? { bdf: parseBdf(address) } : {};
    const subject = { platform: 'eeh', ...bdf, devicePe: parseInt(pe, 16) } as const;
    return { ...subject, ...(matchRow(EEH_DEVICE_ROWS, rest) ?? other(rest)) };
  }
  const rest = EEH_GLOBAL.exec(message)?.[1];
  if (rest !== undefined) return { platform: 'eeh', ...(matchRow(EEH_ROWS, rest) ?? other(rest)) };
  const bare = matchRow(EEH_BARE_ROWS, message);
  return bare && { platform: 'eeh', ...bare };
}

function ofZpci(found: RegExpExecArray): RecognisedLine {
  const [, address, rest] = found as unknown as [string, string | undefined, string];
  const bdf = address !== undefined && isBdf(address) ? { bdf: parseBdf(address) } : {};
  return { platform: 'zpci', ...bdf, ...(matchRow(ZPCI_ROWS, rest) ?? other(rest)) };
}

/**
 * What a message (without prefix) says about error recovery; undefined when nothing. A message that names its subsystem
 * but is in no table is a line of kind `other`.
 */
export function recognise(message: string): RecognisedLine | RecognisedDetail | undefined {
  const device = DEVICE.exec(message);
  if (device) return ofDevice(device);
  const zpci = ZPCI.exec(message);
  if (zpci) return ofZpci(zpci);
  const global = AER_GLOBAL.exec(message)?.[1];
  if (global !== undefined) return { platform: 'aer', ...(matchRow(AER_GLOBAL_ROWS, global) ?? other(global)) };
  return ofEeh(message);
}

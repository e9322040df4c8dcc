import { isBdf, parseBdf, type Bdf } from '@pci-recovery/core';
import { type Probe } from '../machine/machine.js';
import { parseTraceLine, probeFields, type TraceLine } from './trace-line.js';

/** A call of a kernel function that was probed. */
export interface KernelCall {
  /** Its place in the trace: calls and returns are counted together. */
  readonly order: number;
  /** The thread of the kernel that made it: recoveries of two root ports run at the same time. */
  readonly thread: number;
  /** Seconds, of the trace's own clock. */
  readonly seconds: number;
  readonly function: string;
  /** The PCI function that it was called for. */
  readonly bdf?: Bdf;
  /** The other arguments, by name. */
  readonly fields: Readonly<Record<string, string | number>>;
}

/** The return of one, with its result. */
export interface KernelReturn extends KernelCall {
  readonly result: number;
}

/** What probes recorded, in the order in which it happened. */
export interface KernelCalls {
  readonly calls: readonly KernelCall[];
  readonly returns: readonly KernelReturn[];
}

/** The group that the lab's probes belong to. */
export const PROBE_GROUP = 'pci_recovery';
const RETURNED = '__returned';

/**
 * The definitions of a probe's events (Documentation/trace/kprobetrace.rst). Arguments are named and typed by the
 * kernel's own BTF, so no offset is written here (Documentation/trace/fprobetrace.rst, BTF arguments). A module's function
 * is named without its module: with it the kernel does not look for BTF.
 */
export function probeDefinitions({ function: name, fields, result }: Probe): readonly string[] {
  const wanted = Object.entries(fields).map(([field, where]) => `${field}=${where}`);
  const returned = [fields['bdf'] && `bdf=${fields['bdf']}`, `result=$retval:${result}`].filter(Boolean);
  return [
    `p:${PROBE_GROUP}/${name} ${name} ${wanted.join(' ')}`,
    ...(result ? [`r:${PROBE_GROUP}/${name}${RETURNED} ${name} ${returned.join(' ')}`] : []),
  ];
}

function callOf({ seconds, pid, event, text }: TraceLine, order: number): KernelCall {
  const { bdf, ...fields } = probeFields(text);
  const address = typeof bdf === 'string' && isBdf(bdf) ? { bdf: parseBdf(bdf) } : {};
  return { order, thread: pid, seconds, function: event.replace(RETURNED, ''), ...address, fields };
}

/** The calls of probed functions in the lines of a trace, and their returns. */
export function kernelCalls(lines: readonly string[], probes: readonly Probe[]): KernelCalls {
  const names = new Set(probes.map((probe) => probe.function));
  const probed = lines
    .map(parseTraceLine)
    .filter((line) => line !== undefined && names.has(line.event.replace(RETURNED, '')))
    .map((line, order) => ({ returned: line!.event.endsWith(RETURNED), call: callOf(line!, order) }));
  return {
    calls: probed.flatMap(({ returned, call }) => (returned ? [] : [call])),
    returns: probed.flatMap(({ returned, call }) => {
      const { result, ...fields } = call.fields;
      return returned ? [{ ...call, fields, result: Number(result) }] : [];
    }),
  };
}

/** Votes of a recovery and states of a channel by number (include/linux/pci.h: pci_ers_result, pci_channel_state). */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  vote: ['', 'none', 'can_recover', 'need_reset', 'disconnect', 'recovered', 'no_aer_driver'],
  state: ['', 'normal', 'frozen', 'perm_failure'],
};

/** A call in a few words: `report_resume 0000:01:00.0`, `pci_uevent_ers 0000:01:00.0 recovered`. */
export function callText({ function: name, bdf, fields }: Pick<KernelCall, 'function' | 'bdf' | 'fields'>): string {
  const details = Object.entries(WORDS).flatMap(([field, words]) => {
    const value = fields[field];
    return value === undefined ? [] : (words[Number(value)] ?? String(value));
  });
  return [name, bdf, ...details].filter((word) => word !== undefined && word !== '').join(' ');
}

/** A return in a few words, with its number: `aer_root_reset 0000:00:04.0 = 5`. */
export const returnText = ({ function: name, bdf, result }: KernelReturn): string =>
  `${[name, bdf].filter(Boolean).join(' ')} = ${result}`;

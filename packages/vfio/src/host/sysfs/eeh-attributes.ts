import { PciRecoveryError, type Bdf } from '@pci-recovery/core';
import { type HostDirectory } from '../files/host-directory.js';
import { AttributeReader, parseSysfsNumber } from './attribute-reader.js';
import { parseCounters } from './counters.js';
import { SysfsFindings, type SysfsFinding } from './finding.js';
import { type Sysfs } from './sysfs.js';

/** Bits of a PE's state as the platform reports it (arch/powerpc/include/asm/eeh.h EEH_STATE_*). */
export const EEH_STATE = {
  unavailable: 0x01,
  not_supported: 0x02,
  reset_active: 0x04,
  mmio_active: 0x08,
  dma_active: 0x10,
  mmio_enabled: 0x20,
  dma_enabled: 0x40,
} as const;

/** Bits of a PE's state as the kernel keeps it (the same file, EEH_PE_*). */
export const EEH_PE_STATE = {
  isolated: 0x001,
  recovering: 0x002,
  cfg_blocked: 0x004,
  reset: 0x008,
  keep: 0x100,
  cfg_restricted: 0x200,
  removed: 0x400,
  pri_bus: 0x800,
} as const;

/** A PE's state: both words of `eeh_pe_state`. */
export interface EehPeState {
  /** The platform's word; with bit 31 set it is an errno, and no names are read from it. */
  readonly platform: number;
  readonly platformFlags: readonly (keyof typeof EEH_STATE)[];
  /** The kernel's word. */
  readonly kernel: number;
  readonly kernelFlags: readonly (keyof typeof EEH_PE_STATE)[];
}

/** What sysfs says about EEH of a function (arch/powerpc/kernel/eeh_sysfs.c). */
export interface EehAttributes {
  /** `eeh_mode`: EEH_DEV_* bits. */
  readonly mode: number | undefined;
  /** `eeh_pe_config_addr`: which PE it is in; differs from boot to boot. */
  readonly peConfigAddress: number | undefined;
  readonly findings: readonly SysfsFinding[];
}

/** `/proc/powerpc/eeh` (arch/powerpc/kernel/eeh.c:proc_eeh_show). */
export interface EehStatistics {
  readonly enabled: boolean;
  /** By the kernel's names: `eeh_slot_resets`, `no device`, … */
  readonly counters: ReadonlyMap<string, bigint>;
  readonly findings: readonly SysfsFinding[];
}

const flagsOf = <Name extends string>(table: Readonly<Record<Name, number>>, word: number): Name[] =>
  (Object.keys(table) as Name[]).filter((name) => (word & table[name]) !== 0);

/** The text of `eeh_pe_state`: two words in hexadecimal. Undefined when it is something else. */
export function parseEehPeState(text: string): EehPeState | undefined {
  const [first, second, ...rest] = text.trim().split(/\s+/, 3);
  const platform = parseSysfsNumber(first ?? '');
  const kernel = parseSysfsNumber(second ?? '');
  if (platform === undefined || kernel === undefined || rest.length > 0) return undefined;
  return {
    platform,
    platformFlags: platform > 0x7fff_ffff ? [] : flagsOf(EEH_STATE, platform),
    kernel,
    kernelFlags: flagsOf(EEH_PE_STATE, kernel),
  };
}

/** EEH attributes that may be read at any time; undefined where the kernel has no EEH, or has it switched off. */
export async function readEehAttributes(sysfs: Sysfs, bdf: Bdf): Promise<EehAttributes | undefined> {
  const findings = new SysfsFindings();
  const reader = new AttributeReader(sysfs, bdf, findings);
  const mode = await reader.number('eeh_mode');
  const peConfigAddress = await reader.number('eeh_pe_config_addr');
  if (mode === undefined && peConfigAddress === undefined && findings.list.length === 0) return undefined;
  return { mode, peConfigAddress, findings: findings.list };
}

/**
 * Asks the platform for the state of the function's PE. **Reading has an effect**: it marks a frozen PE as isolated, and
 * a detection that comes later then starts no recovery of the kernel (seen on Linux 7.3). Undefined where there is no EEH.
 * @throws PciRecoveryError `ERR_PCI_NOT_PRESENT` (ENODEV) when the function is in no PE, `ERR_PCI_BAD_SYSFS` when the
 * text is something else.
 */
export async function readEehPeState(sysfs: Sysfs, bdf: Bdf): Promise<EehPeState | undefined> {
  const text = await sysfs.read(bdf, 'eeh_pe_state');
  if (text === undefined) return undefined;
  const state = parseEehPeState(text);
  if (state) return state;
  const message = `"${text.slice(0, 40)}" of ${bdf} is no state of a PE: two words in hexadecimal are.`;
  throw new PciRecoveryError('ERR_PCI_BAD_SYSFS', message, { context: { bdf, attribute: 'eeh_pe_state' } });
}

/** What the kernel counts of EEH; undefined where it is not built in. `proc` is the root of `/proc`. */
export async function readEehStatistics(proc: HostDirectory): Promise<EehStatistics | undefined> {
  const text = await proc.readText(['powerpc', 'eeh']);
  return text === undefined ? undefined : parseEehStatistics(text);
}

/** The text of `/proc/powerpc/eeh`. Never throws, whatever it is: without its first line EEH counts as disabled. */
export function parseEehStatistics(text: string): EehStatistics {
  const [first = '', ...lines] = text.split('\n');
  const { values, findings } = parseCounters(lines.join('\n'), '=');
  const attribute = 'powerpc/eeh';
  const list: SysfsFinding[] = findings.map((finding) => ({ attribute, ...finding }));
  const known = /^EEH Subsystem is (globally disabled|enabled)$/.exec(first);
  if (!known) {
    const message = `"${first.slice(0, 60)}" says neither that EEH is enabled nor that it is disabled.`;
    list.unshift({ attribute, code: 'bad_line', message });
  }
  return { enabled: known?.[1] === 'enabled', counters: values, findings: list };
}

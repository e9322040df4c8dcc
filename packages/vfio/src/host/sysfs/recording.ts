import { PciRecoveryError, type Bdf, type Stoppable } from '@pci-recovery/core';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { joinParts, type PathParts } from '../files/path.js';
import { SysfsFindings, unreadable, type SysfsFinding } from './finding.js';
import { type Sysfs } from './sysfs.js';

/** What is at a path: bytes in base64, a text, where a link leads, or a directory without anything recorded in it. */
export type RecordedEntry =
  { readonly base64: string } | { readonly text: string } | { readonly link: string } | { readonly directory: true };

/** A copy of what sysfs says about PCI: data for `JSON.stringify`. */
export interface SysfsRecording {
  readonly format: 'pci-recovery.sysfs.1';
  /** By the path below the root. */
  readonly entries: Readonly<Record<string, RecordedEntry>>;
}

/** What to record. */
export interface RecordOptions extends Partial<Stoppable> {
  /** Records `eeh_pe_state` too. Reading it has an effect, see `readEehPeState`. */
  readonly eehPeState?: boolean;
}

const TEXTS = [
  ...['class', 'vendor', 'device', 'subsystem_vendor', 'subsystem_device', 'revision', 'driver_override'],
  ...['reset_method', 'aer_dev_correctable', 'aer_dev_fatal', 'aer_dev_nonfatal', 'aer_rootport_total_err_cor'],
  ...['aer_rootport_total_err_fatal', 'aer_rootport_total_err_nonfatal', 'eeh_mode', 'eeh_pe_config_addr'],
  ...['function_id', 'function_handle', 'pchid', 'pfgid', 'pft', 'vfn', 'port', 'uid', 'uid_is_unique', 'mio_enabled'],
  ...['pfip/segment0', 'pfip/segment1', 'pfip/segment2', 'pfip/segment3', 'sriov_numvfs', 'sriov_totalvfs'],
];
const BYTES = ['config', 'util_string'];
const WRITE_ONLY = ['remove', 'rescan', 'reset', 'recover', 'report_error'];
const LINKS = /^(?:driver|iommu_group|physfn|virtfn\d{1,5})$/;

class Recorder {
  readonly entries: Record<string, RecordedEntry> = {};
  readonly findings = new SysfsFindings();
  readonly #sysfs: Sysfs;

  constructor(sysfs: Sysfs) {
    this.#sysfs = sysfs;
  }

  /** Records a function: its link in the list, and its directory at the place to which that leads. */
  async device(bdf: Bdf, texts: readonly string[]): Promise<void> {
    const path = await this.#sysfs.devicePath(bdf);
    if (path === undefined) return;
    this.entries[`bus/pci/devices/${bdf}`] = { link: path };
    const home = path.replace(/^(?:\.\.\/)+/, '').split('/');
    const names = (await this.#sysfs.entries(bdf)) ?? [];
    for (const text of texts) await this.file(home, text, 'text');
    for (const bytes of BYTES) await this.file(home, bytes, 'base64');
    for (const name of names) {
      if (LINKS.test(name)) await this.link([...home, name]);
      else if (WRITE_ONLY.includes(name)) this.entries[joinParts([...home, name])] = { text: '' };
    }
    for (const name of names.includes('vfio-dev') ? ((await this.#sysfs.entries(bdf, 'vfio-dev')) ?? []) : [])
      this.entries[joinParts([...home, 'vfio-dev', name])] = { directory: true };
  }

  async file(directory: PathParts, attribute: string, as: 'text' | 'base64'): Promise<void> {
    const parts = [...directory, ...attribute.split('/')];
    try {
      const bytes = await this.#sysfs.files.readBytes(parts);
      if (bytes !== undefined) this.entries[joinParts(parts)] = { [as]: encode(bytes, as) } as RecordedEntry;
    } catch (error) {
      this.findings.add(unreadable(error, joinParts(parts)));
    }
  }

  async link(parts: PathParts): Promise<void> {
    const link = await this.#sysfs.files.link(parts);
    if (link !== undefined) this.entries[joinParts(parts)] = { link };
  }

  async groups(): Promise<void> {
    const all = ['kernel', 'iommu_groups'];
    for (const group of (await this.#sysfs.files.list(all)) ?? []) {
      await this.file([...all, group], 'type', 'text');
      for (const member of (await this.#sysfs.files.list([...all, group, 'devices'])) ?? [])
        await this.link([...all, group, 'devices', member]);
    }
  }

  async drivers(): Promise<void> {
    const all = ['bus', 'pci', 'drivers'];
    for (const driver of (await this.#sysfs.files.list(all)) ?? []) {
      for (const name of ['bind', 'unbind']) this.entries[joinParts([...all, driver, name])] = { text: '' };
    }
  }
}

const encode = (bytes: Uint8Array, as: 'text' | 'base64'): string =>
  Buffer.from(bytes).toString(as === 'text' ? 'utf8' : 'base64');

/**
 * Copies what this package reads of a sysfs: functions, links, IOMMU groups, drivers; files that only take orders become
 * empty. Serial numbers in configuration space are recorded too. Only reads.
 */
export async function recordSysfs(
  sysfs: Sysfs,
  { signal, eehPeState = false }: RecordOptions = {},
): Promise<{ recording: SysfsRecording; findings: readonly SysfsFinding[] }> {
  const recorder = new Recorder(sysfs);
  const texts = eehPeState ? [...TEXTS, 'eeh_pe_state'] : TEXTS;
  for (const bdf of await sysfs.devices()) {
    signal?.throwIfAborted();
    await recorder.device(bdf, texts);
  }
  await recorder.groups();
  await recorder.drivers();
  for (const name of ['rescan', 'drivers_probe']) recorder.entries[`bus/pci/${name}`] = { text: '' };
  const entries = recorder.entries;
  return { recording: { format: 'pci-recovery.sysfs.1', entries }, findings: recorder.findings.list };
}

/**
 * Writes a recording as a tree below `directory`, which must be new or empty. Links are made last, so that nothing is
 * written through one.
 * @throws PciRecoveryError `ERR_PCI_BAD_RECORDING` when it is none, `ERR_PCI_BAD_PATH` when one of its paths leaves the
 * directory.
 */
export async function restoreSysfs(recording: SysfsRecording, directory: string): Promise<void> {
  const links: [string, string][] = [];
  for (const [path, entry] of Object.entries(checked(recording))) {
    const target = `${directory}/${joinParts(path.split('/'))}`;
    if ('link' in entry) links.push([target, entry.link]);
    else if ('directory' in entry) await mkdir(target, { recursive: true });
    else {
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, 'text' in entry ? entry.text : Buffer.from(entry.base64, 'base64'));
    }
  }
  for (const [target] of links) await mkdir(dirname(target), { recursive: true });
  for (const [target, link] of links) await symlink(link, target);
}

function checked(recording: SysfsRecording): SysfsRecording['entries'] {
  const { format, entries } = (recording ?? {}) as Partial<SysfsRecording>;
  const known = format === 'pci-recovery.sysfs.1' && typeof entries === 'object' && entries !== null;
  if (known && Object.values(entries).every(isEntry)) return entries;
  throw new PciRecoveryError('ERR_PCI_BAD_RECORDING', 'This is no recording of sysfs: format or entries are wrong.', {
    context: { format: String(format) },
  });
}

const isEntry = (entry: unknown): boolean =>
  typeof entry === 'object' &&
  entry !== null &&
  Object.keys(entry).length === 1 &&
  (['text', 'base64', 'link'].some((key) => typeof (entry as Record<string, unknown>)[key] === 'string') ||
    (entry as Record<string, unknown>).directory === true);

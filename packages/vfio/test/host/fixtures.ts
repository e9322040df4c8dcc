import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { restoreSysfs, type RecordedEntry, type SysfsRecording } from '../../src/host/index.js';

/** A function to put into a tree. */
export interface FixtureFunction {
  readonly bdf: string;
  /** Path of the device above, below `devices`: `pci0000:00` or `pci0000:00/0000:00:01.0`. */
  readonly above: string;
  readonly classCode: number;
  readonly vendor?: number;
  readonly device?: number;
  /** Bus numbers of a bridge. */
  readonly buses?: readonly [secondary: number, subordinate: number];
  /** Device/Port Type of PCIe Capabilities. */
  readonly port?: number;
  readonly driver?: string;
  readonly group?: number;
  readonly files?: Readonly<Record<string, string>>;
  readonly links?: Readonly<Record<string, string>>;
  readonly vfioDevice?: string;
}

/** Configuration space: a header, and PCIe Capabilities at 0x40. */
export function configOf({ classCode, vendor = 0x1af4, device = 0x1041, buses, port }: FixtureFunction): Uint8Array {
  const bytes = new Uint8Array(256);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, vendor, true);
  view.setUint16(2, device, true);
  view.setUint32(8, classCode << 8, true);
  if (buses) {
    bytes[0x0e] = 1;
    bytes.set([0, ...buses], 0x18);
  }
  if (port !== undefined) {
    view.setUint16(6, 0x10, true);
    bytes[0x34] = 0x40;
    bytes.set([0x10, 0, 2 | (port << 4), 0], 0x40);
  }
  return bytes;
}

const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;

function entriesOf(fn: FixtureFunction): Record<string, RecordedEntry> {
  const home = `devices/${fn.above}/${fn.bdf}`;
  const up = '../'.repeat(home.split('/').length);
  const entries: Record<string, RecordedEntry> = {
    [`bus/pci/devices/${fn.bdf}`]: { link: `../../../${home}` },
    [`${home}/class`]: { text: `${hex(fn.classCode, 6)}\n` },
    [`${home}/vendor`]: { text: `${hex(fn.vendor ?? 0x1af4, 4)}\n` },
    [`${home}/device`]: { text: `${hex(fn.device ?? 0x1041, 4)}\n` },
    [`${home}/config`]: { base64: Buffer.from(configOf(fn)).toString('base64') },
    [`${home}/driver_override`]: { text: '(null)\n' },
    [`${home}/remove`]: { text: '' },
    [`${home}/rescan`]: { text: '' },
    [`${home}/reset`]: { text: '' },
  };
  if (fn.driver !== undefined) {
    entries[`${home}/driver`] = { link: `${up}bus/pci/drivers/${fn.driver}` };
    entries[`bus/pci/drivers/${fn.driver}/bind`] = { text: '' };
    entries[`bus/pci/drivers/${fn.driver}/unbind`] = { text: '' };
  }
  if (fn.group !== undefined) {
    entries[`${home}/iommu_group`] = { link: `${up}kernel/iommu_groups/${fn.group}` };
    entries[`kernel/iommu_groups/${fn.group}/type`] = { text: 'DMA-FQ\n' };
    entries[`kernel/iommu_groups/${fn.group}/devices/${fn.bdf}`] = { link: `../../../../${home}` };
  }
  if (fn.vfioDevice !== undefined) entries[`${home}/vfio-dev/${fn.vfioDevice}`] = { directory: true };
  for (const [name, text] of Object.entries(fn.files ?? {})) entries[`${home}/${name}`] = { text };
  for (const [name, link] of Object.entries(fn.links ?? {})) entries[`${home}/${name}`] = { link };
  return entries;
}

/** A recording of a sysfs that has these functions. */
export function sysfsWith(functions: readonly FixtureFunction[]): SysfsRecording {
  const entries: Record<string, RecordedEntry> = {
    'bus/pci/rescan': { text: '' },
    'bus/pci/drivers_probe': { text: '' },
  };
  for (const fn of functions) Object.assign(entries, entriesOf(fn));
  return { format: 'pci-recovery.sysfs.1', entries };
}

const COR = 'RxErr 0\nBadTLP 3\nBadDLLP 0\nRollover 0\nTimeout 0\nNonFatalErr 0\nCorrIntErr 0\nHeaderOF 0\n';

/** The x86 lab: a root port with AER, an endpoint below it bound to vfio-pci, and one with two functions in one group. */
export const X86: readonly FixtureFunction[] = [
  {
    bdf: '0000:00:06.0',
    above: 'pci0000:00',
    classCode: 0x060400,
    vendor: 0x1b36,
    device: 0x000c,
    buses: [1, 1],
    port: 4,
    driver: 'pcieport',
    group: 5,
    files: {
      aer_dev_correctable: `${COR}TOTAL_ERR_COR 0\n`,
      aer_rootport_total_err_cor: '3\n',
      aer_rootport_total_err_fatal: '1\n',
      aer_rootport_total_err_nonfatal: '0\n',
      reset_method: 'pm bus\n',
    },
  },
  {
    bdf: '0000:01:00.0',
    above: 'pci0000:00/0000:00:06.0',
    classCode: 0x020000,
    port: 0,
    driver: 'vfio-pci',
    group: 6,
    vfioDevice: 'vfio0',
    files: {
      aer_dev_correctable: `${COR}TOTAL_ERR_COR 3\n`,
      aer_dev_nonfatal: 'Undefined 0\nDLP 0\nCmpltTO 1\nTOTAL_ERR_NONFATAL 1\n',
      aer_dev_fatal: 'Undefined 0\nMalfTLP 0\nTOTAL_ERR_FATAL 1\n',
      reset_method: 'flr bus\n',
    },
  },
  {
    bdf: '0000:00:07.0',
    above: 'pci0000:00',
    classCode: 0x060400,
    buses: [2, 2],
    port: 4,
    driver: 'pcieport',
    group: 7,
  },
  {
    bdf: '0000:02:00.0',
    above: 'pci0000:00/0000:00:07.0',
    classCode: 0x020000,
    port: 0,
    driver: 'vfio-pci',
    group: 8,
    vfioDevice: 'vfio1',
    files: { reset_method: '\n' },
  },
  {
    bdf: '0000:02:00.1',
    above: 'pci0000:00/0000:00:07.0',
    classCode: 0x020000,
    port: 0,
    driver: 'virtio-pci',
    group: 8,
    links: { physfn: '../0000:02:00.0' },
  },
];

/** The ppc64 lab: one PHB for each device. */
export const POWERNV: readonly FixtureFunction[] = [
  {
    bdf: '0001:01:00.0',
    above: 'pci0001:00/0001:00:00.0',
    classCode: 0x010802,
    port: 0,
    driver: 'nvme',
    group: 1,
    files: { eeh_mode: '0x200\n', eeh_pe_config_addr: '0x1fd\n', eeh_pe_state: '0x00000078 0x00000800\n' },
  },
];

/** The s390 lab: functions below root buses, without any bridge. */
export const S390: readonly FixtureFunction[] = [
  {
    bdf: '0001:00:00.0',
    above: 'pci0001:00',
    classCode: 0x00ff00,
    driver: 'vfio-pci',
    group: 0,
    files: {
      function_id: '0x00000001\n',
      function_handle: '0x80020000\n',
      pchid: '0x0001\n',
      pfgid: '0x00\n',
      pft: '0x00\n',
      vfn: '0x0000\n',
      port: '0\n',
      uid: '0x1\n',
      uid_is_unique: '1\n',
      mio_enabled: '1\n',
      recover: '',
      report_error: '',
      'pfip/segment0': '0x00\n',
      'pfip/segment1': '0x01\n',
      'pfip/segment2': '0x02\n',
      'pfip/segment3': '0xff\n',
      reset_method: 'bus\n',
    },
  },
];

const made: string[] = [];

/** A new directory that goes away after the test file. */
export async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'pci-recovery-'));
  made.push(directory);
  return directory;
}

/** A tree on disk that has these functions. */
export async function sysfsTree(functions: readonly FixtureFunction[]): Promise<string> {
  const directory = await newDirectory();
  await restoreSysfs(sysfsWith(functions), directory);
  return directory;
}

/** Removes the trees. */
export async function removeTrees(): Promise<void> {
  for (const directory of made.splice(0)) await rm(directory, { recursive: true, force: true });
}

/** Where a fake function's capabilities are, byte offsets. */
export const AT = {
  pcie: 0x40,
  devctl: 0x48,
  linkControl: 0x50,
  msix: 0x80,
  msixControl: 0x82,
  aer: 0x100,
  ats: 0x206,
  acs: 0x216,
  /** Of two resizable BARs. */
  resizable: 0x228,
  latency: 0x244,
  pageRequests: 0x25c,
  pageRequest: 0x254,
  pasid: 0x266,
} as const;

/** Extended capabilities that VFIO lets nobody write: where, id. */
const READ_ONLY = [
  [0x200, 0x0f],
  [0x210, 0x0d],
  [0x220, 0x15],
  [0x240, 0x18],
  [0x250, 0x13],
  [0x260, 0x1b],
] as const;

/** PCI Express Capabilities, Device/Port Type (PCIe r6.1 §7.5.3.2). */
const PORT_TYPE = { endpoint: 0, root_port: 4, upstream_port: 5, downstream_port: 6 } as const;

export type Kind = keyof typeof PORT_TYPE;

/** Registers that a reset takes away. */
export interface Settings extends Readonly<Record<Exclude<keyof typeof IN_USE, 'resizable'>, number>> {
  readonly resizable: readonly number[];
}

/** Values after a reset; the sticky error status is not among them (PCIe r6.1 §7.8.4.2). */
export const POWER_ON = {
  command: 0,
  devctl: 0x2810,
  linkControl: 0,
  devctl2: 0,
  severity: 0x0046_2030,
  msix: 0x0003,
  ats: 0,
  acs: 0,
  resizable: [0x0840, 0x0802],
  latency: 0,
  pageRequests: 0,
  pageRequest: 0,
  pasid: 0,
} as const;
/** Values as a driver has set them. */
export const IN_USE = {
  command: 0x0106,
  /** 256 bytes of payload, 4096 bytes of read request. */
  devctl: 0x583f,
  linkControl: 0x0142,
  devctl2: 0x0005,
  severity: 0x0046_2010,
  msix: 0x8003,
  ats: 0x8001,
  acs: 0x001d,
  resizable: [0x0e40, 0x0802],
  latency: 0x1003_1003,
  pageRequests: 32,
  pageRequest: 1,
  pasid: 3,
} as const;

export interface ImageOptions {
  readonly kind: Kind;
  readonly buses?: readonly [secondary: number, subordinate: number];
}

/** Configuration space of a PCIe function with MSI-X and AER, as a driver has set it up. */
export function configImage({ kind, buses }: ImageOptions): Uint8Array {
  const bytes = new Uint8Array(4096);
  const view = new DataView(bytes.buffer);
  const u16 = (at: number, value: number): void => view.setUint16(at, value, true);
  const u32 = (at: number, value: number): void => view.setUint32(at, value, true);
  u16(0x00, 0x1af4);
  u16(0x02, 0x1041);
  u16(0x06, 0x0010);
  bytes[0x0e] = buses ? 1 : 0;
  if (buses) bytes.set(buses, 0x19);
  bytes[0x34] = AT.pcie;
  bytes.set([0x10, AT.msix], AT.pcie);
  u16(AT.pcie + 2, 2 | (PORT_TYPE[kind] << 4));
  bytes.set([0x11, 0], AT.msix);
  u32(AT.aer, 0x2002_0001);
  READ_ONLY.forEach(([at, id], index) => u32(at, id | 0x1_0000 | ((READ_ONLY[index + 1]?.[0] ?? 0) << 20)));
  setUp(view, IN_USE);
  return bytes;
}

/** Sets the registers that a reset takes away. */
export function setUp(view: DataView, values: Settings): void {
  view.setUint16(0x04, values.command, true);
  view.setUint16(AT.pcie + 0x28, values.devctl2, true);
  view.setUint32(AT.aer + 0x0c, values.severity, true);
  view.setUint16(AT.msixControl, values.msix, true);
  for (const name of ['devctl', 'linkControl', 'ats', 'acs', 'pageRequest', 'pasid'] as const)
    view.setUint16(AT[name], values[name], true);
  for (const name of ['latency', 'pageRequests'] as const) view.setUint32(AT[name], values[name], true);
  values.resizable.forEach((value, index) => view.setUint32(AT.resizable + 8 * index, value, true));
}

/** What of Device Control VFIO keeps for itself: Initiate FLR, Max_Read_Request_Size, Max_Payload_Size (init_pci_cap_exp_perm). */
export const VIRTUAL_CONTROL = 0xf0e0;
const READ_REQUEST = 0x7000;
const PAYLOAD = 0x00e0;

type Access = 'rw' | 'rw1c';

/**
 * What VFIO lets its holder write, 16 bits each: everything else is dropped (Linux 7.3 drivers/vfio/pci/vfio_pci_config.c:
 * init_pci_cap_basic_perm, init_pci_cap_exp_perm, init_pci_ext_cap_err_perm; MSI-X is read-only).
 */
const WRITABLE: Readonly<Record<number, readonly [mask: number, access: Access]>> = {
  0x04: [0xffff, 'rw'],
  [AT.devctl]: [0x0d1f, 'rw'],
  [AT.pcie + 0x28]: [0xffdf, 'rw'],
  [AT.aer + 0x04]: [0xf031, 'rw1c'],
  [AT.aer + 0x06]: [0x03ff, 'rw1c'],
  [AT.aer + 0x08]: [0xf031, 'rw'],
  [AT.aer + 0x0a]: [0x03ff, 'rw'],
  [AT.aer + 0x0c]: [0xf031, 'rw'],
  [AT.aer + 0x0e]: [0x03ff, 'rw'],
  [AT.aer + 0x10]: [0xf1c1, 'rw1c'],
  [AT.aer + 0x14]: [0xf1c1, 'rw'],
};

/** One write of 2 or 4 bytes as VFIO carries it out. */
export function vfioWrite(view: DataView, offset: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += 2) {
    const [mask, access] = WRITABLE[offset + at] ?? [0, 'rw'];
    const value = (bytes[at]! | (bytes[at + 1]! << 8)) & mask;
    const before = view.getUint16(offset + at, true);
    view.setUint16(offset + at, access === 'rw1c' ? before & ~value : (before & ~mask) | value, true);
  }
}

/**
 * A write of Device Control: what VFIO keeps for itself before and after it. The read request size reaches the hardware, but only when
 * it changes, and never below the payload size (vfio_exp_config_write, drivers/pci/pci.c:pcie_set_readrq).
 */
export function vfioControlWrite(view: DataView, kept: number, value: number): number {
  const next = value & VIRTUAL_CONTROL & 0x7fff;
  if (((next ^ kept) & READ_REQUEST) === 0) return next;
  const physical = view.getUint16(AT.devctl, true);
  const request = Math.max(next & READ_REQUEST, (physical & PAYLOAD) << 7);
  view.setUint16(AT.devctl, (physical & ~READ_REQUEST) | request, true);
  return next;
}

/**
 * Configuration space of a function that does not answer, as VFIO shows it: all ones, except what it keeps itself: the ids, base
 * addresses, INTx Disable, and that there are capabilities.
 */
export function vfioSilence(image: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(image.length).fill(0xff);
  bytes.set(image.subarray(0, 4));
  bytes[0x05] = 0xff & ~0x04;
  bytes.set(image.subarray(0x10, 0x28), 0x10);
  return bytes;
}

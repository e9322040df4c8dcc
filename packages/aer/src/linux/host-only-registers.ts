import { DEVICE_CONTROL, EXTENDED_CAPABILITY_ID as ID, LINK_CONTROL, PCIE, type PciFunction } from '@pci-recovery/pci';
import { changedRegisters, readRegister, type SavedRegister } from './saved-registers.js';

/** A register that a reset takes away, and that VFIO lets no holder write. */
export interface HostOnlyRegister extends SavedRegister {
  /** Without it the device does not work, or does what it must not; else it is only slower, or takes more power. */
  readonly essential: boolean;
}

type Place = Omit<HostOnlyRegister, 'value'>;

const SIZES = DEVICE_CONTROL.maxPayloadSize;

/** How the link is clocked and saves power; never Link Disable or Retrain Link, which are a port’s to use. */
const LINK_MASK =
  LINK_CONTROL.aspmControl.mask |
  LINK_CONTROL.readCompletionBoundary128.mask |
  LINK_CONTROL.commonClock.mask |
  LINK_CONTROL.extendedSynch.mask |
  LINK_CONTROL.clockPowerManagementEnable.mask;

const PAYLOAD = 'Max_Payload_Size';

/** Registers of extended capabilities (Linux include/uapi/linux/pci_regs.h), in the order in which they are to be written. */
const EXTENDED: readonly (readonly [id: number, name: string, at: number, width: 2 | 4, mask: number])[] = [
  [ID.PASID, 'PASID Control', 6, 2, 0x0007],
  [ID.PAGE_REQUEST, 'Outstanding Page Request Allocation', 12, 4, -1],
  [ID.PAGE_REQUEST, 'Page Request Control', 4, 2, 0x0001],
  [ID.ATS, 'ATS Control', 6, 2, 0x801f],
];
const ACCESS_CONTROL = [ID.ACS, 'ACS Control', 6, 2, 0x007f] as const;
const LATENCY = [ID.LATENCY_TOLERANCE_REPORTING, 'Max Snoop and No-Snoop Latency', 4, 4, 0x1fff_1fff] as const;
/** BAR Size; in Resizable BAR Control, which is there once for each such BAR (bits 7:5 of the first: how many). */
const BAR_SIZE = 0x3f00;

const find = ({ extendedCapabilities }: PciFunction, id: number): number | undefined =>
  extendedCapabilities.find((one) => one.id === id)?.offset;

function extended(
  fn: PciFunction,
  [id, name, at, width, mask]: (typeof EXTENDED)[number],
  essential: boolean,
): Place[] {
  const capability = find(fn, id);
  return capability === undefined ? [] : [{ name, offset: capability + at, width, mask, essential }];
}

function resizableBars(fn: PciFunction, bytes: Uint8Array): Place[] {
  const capability = find(fn, ID.RESIZABLE_BAR);
  if (capability === undefined) return [];
  const count = (readRegister(bytes, capability + 8, 4) >>> 5) & 7;
  return Array.from({ length: count }, (_, index) => ({
    name: `Resizable BAR Control ${index}`,
    offset: capability + 8 + 8 * index,
    width: 4,
    mask: BAR_SIZE,
    essential: true,
  }));
}

function places(fn: PciFunction, bytes: Uint8Array): Place[] {
  const { pcie } = fn;
  const control = (name: string, at: number, mask: number, essential: boolean): Place[] =>
    pcie ? [{ name, offset: pcie.offset + at, width: 2, mask, essential }] : [];
  return [
    ...extended(fn, LATENCY, false),
    ...control(PAYLOAD, PCIE.DEVICE_CONTROL, SIZES.mask, true),
    ...control('Link Control', PCIE.LINK_CONTROL, LINK_MASK, false),
    ...EXTENDED.flatMap((one) => extended(fn, one, true)),
    ...resizableBars(fn, bytes),
    ...extended(fn, ACCESS_CONTROL, true),
  ];
}

/**
 * What the kernel restores after a reset of its own (pci_restore_state) and VFIO keeps from its holder, as it is now, in the kernel's order.
 * `bytes`: configuration space, and `fn` what it says.
 *
 * Source: Linux 7.3 drivers/pci/pci.c:pci_restore_state, pci_restore_pcie_state, pci_enable_acs; drivers/pci/ats.c:pci_restore_ats_state,
 * pci_restore_pri_state, pci_restore_pasid_state; drivers/pci/rebar.c:pci_restore_rebar_state; drivers/vfio/pci/vfio_pci_config.c.
 * Not among them: L1 PM substates, PTM, TPH, virtual channels and SR-IOV.
 */
export const hostOnlyRegisters = (fn: PciFunction, bytes: Uint8Array): readonly HostOnlyRegister[] =>
  places(fn, bytes).map((place) => ({ ...place, value: readRegister(bytes, place.offset, place.width) }));

/**
 * Those that a reset has taken away, as far as VFIO shows it: it shows a payload size of its own, and a reset leaves 128 bytes.
 */
export const lostBehindVfio = (saved: readonly HostOnlyRegister[], shown: Uint8Array): readonly HostOnlyRegister[] =>
  saved.filter((one) =>
    one.name === PAYLOAD ? (one.value & one.mask) !== 0 : changedRegisters([one], shown).length > 0,
  );

/** For people: with the size where it is one. */
export const describeRegister = ({ name, value, mask }: HostOnlyRegister): string =>
  name === PAYLOAD ? `${name} (${128 << ((value & mask) >>> SIZES.shift)} bytes)` : name;

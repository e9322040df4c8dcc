import { PCIE, PCIE_TYPE } from '@pci-recovery/pci';
import { EFFECT, type AccessRow } from './access-row.js';

/** Maximum payload size: a function-level reset leaves it alone (PCIe r6.1 §6.6.2). */
const MAX_PAYLOAD_SIZE = 0x00e0;
/** ASPM, RCB, common clock, extended synch, clock power management, autonomous width disable: likewise. */
const LINK_CONTROL_RW = 0x03cb;
/** Link disable and the two bandwidth interrupt enables. */
const LINK_CONTROL_PORT_RW = 0x0c10;

/** Device Control after a reset: relaxed ordering, no snoop, maximum read request of 512 bytes (PCIe r6.1 §7.5.3.4). */
export const DEVICE_CONTROL_DEFAULT = 0x2810;

const BRIDGE_RETRY_ENABLE = 0x8000;

const device = (type: number): AccessRow[] => [
  {
    offset: PCIE.DEVICE_CONTROL,
    width: 2,
    rw: 0x7dff | (type === PCIE_TYPE.PCIE_TO_PCI_BRIDGE ? BRIDGE_RETRY_ENABLE : 0),
    sticky: 0x0400,
    keptByFlr: MAX_PAYLOAD_SIZE,
    reset: DEVICE_CONTROL_DEFAULT,
    effect: EFFECT.DEVICE_CONTROL,
  },
  { offset: PCIE.DEVICE_STATUS, width: 2, w1c: 0x004f },
];

const link = (downstream: boolean): AccessRow[] => [
  {
    offset: PCIE.LINK_CONTROL,
    width: 2,
    rw: LINK_CONTROL_RW | (downstream ? LINK_CONTROL_PORT_RW : 0),
    keptByFlr: LINK_CONTROL_RW,
    effect: EFFECT.LINK_CONTROL,
  },
  { offset: PCIE.LINK_STATUS, width: 2, w1c: downstream ? 0xc000 : 0 },
];

const SLOT: readonly AccessRow[] = [
  { offset: PCIE.SLOT_CONTROL, width: 2, rw: 0x17ff },
  { offset: PCIE.SLOT_STATUS, width: 2, w1c: 0x011f },
];

const ROOT: readonly AccessRow[] = [
  { offset: PCIE.ROOT_CONTROL, width: 2, rw: 0x001f },
  { offset: PCIE.ROOT_STATUS, width: 4, w1c: 0x0001_0000 },
];

const VERSION_2: readonly AccessRow[] = [{ offset: PCIE.DEVICE_CONTROL_2, width: 2, rw: 0xf7ff }];

/** Target speed, compliance and de-emphasis settings are sticky (PCIe r6.1 §7.5.3.19). */
const LINK_2: readonly AccessRow[] = [{ offset: PCIE.LINK_CONTROL_2, width: 2, rw: 0xffff, sticky: 0xffff }];

const leadsDownstream = (type: number): boolean =>
  type === PCIE_TYPE.ROOT_PORT || type === PCIE_TYPE.DOWNSTREAM_PORT || type === PCIE_TYPE.PCI_TO_PCIE_BRIDGE;

/**
 * Access to the PCI Express capability (PCIe r6.1 §7.5.3) by its port type, version and "slot implemented". Inside the
 * root complex there is no link.
 */
export function pcieRows(type: number, version: number, slot: boolean): AccessRow[] {
  const integrated = type === PCIE_TYPE.RCIEP || type === PCIE_TYPE.RCEC;
  return [
    ...device(type),
    ...(integrated ? [] : link(leadsDownstream(type))),
    ...(slot && leadsDownstream(type) ? SLOT : []),
    ...(type === PCIE_TYPE.ROOT_PORT || type === PCIE_TYPE.RCEC ? ROOT : []),
    ...(version >= 2 ? VERSION_2 : []),
    ...(version >= 2 && !integrated ? LINK_2 : []),
  ];
}

/** Of a virtual function's Device Control only the function-level reset works (PCIe r6.1 §9.3.5.4). */
export const VIRTUAL_PCIE_ROWS: readonly AccessRow[] = [
  { offset: PCIE.DEVICE_CONTROL, width: 2, effect: EFFECT.DEVICE_CONTROL },
  { offset: PCIE.DEVICE_STATUS, width: 2, w1c: 0x000f },
];

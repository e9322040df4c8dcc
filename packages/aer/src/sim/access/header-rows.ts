import { PCI_HEADER as H } from '@pci-recovery/pci';
import { EFFECT, type AccessRow } from './access-row.js';

/** I/O, memory, bus master, parity response, SERR#, interrupt disable: the others are hardwired to 0 in PCIe. */
const COMMAND_RW = 0x0547;
/** Master data parity error, target and master aborts, system error, detected parity error. */
const STATUS_W1C = 0xf900;

const COMMON: readonly AccessRow[] = [
  { offset: H.COMMAND, width: 2, rw: COMMAND_RW },
  { offset: H.STATUS, width: 2, w1c: STATUS_W1C },
  { offset: H.CACHE_LINE_SIZE, width: 1, rw: 0xff },
  { offset: H.INTERRUPT_LINE, width: 1, rw: 0xff },
];

/** Type 0 header, without its base addresses (PCIe r6.1 §7.5.1.1, §7.5.1.2). */
export const NORMAL_HEADER_ROWS: readonly AccessRow[] = [...COMMON, { offset: H.BIST, width: 1, effect: EFFECT.BIST }];

/** Type 1 header, without its base addresses (PCIe r6.1 §7.5.1.3). */
export const BRIDGE_HEADER_ROWS: readonly AccessRow[] = [
  ...COMMON,
  { offset: H.PRIMARY_BUS, width: 1, rw: 0xff, effect: EFFECT.BUS_NUMBERS },
  { offset: H.SECONDARY_BUS, width: 1, rw: 0xff },
  { offset: H.SUBORDINATE_BUS, width: 1, rw: 0xff },
  { offset: H.IO_BASE, width: 1, rw: 0xf0 },
  { offset: H.IO_LIMIT, width: 1, rw: 0xf0 },
  { offset: H.SECONDARY_STATUS, width: 2, w1c: STATUS_W1C },
  { offset: H.MEMORY_BASE, width: 2, rw: 0xfff0 },
  { offset: H.MEMORY_LIMIT, width: 2, rw: 0xfff0 },
  { offset: H.PREFETCHABLE_BASE, width: 2, rw: 0xfff0 },
  { offset: H.PREFETCHABLE_LIMIT, width: 2, rw: 0xfff0 },
  { offset: H.PREFETCHABLE_BASE_UPPER, width: 4, rw: 0xffff_ffff },
  { offset: H.PREFETCHABLE_LIMIT_UPPER, width: 4, rw: 0xffff_ffff },
  { offset: H.IO_BASE_UPPER, width: 2, rw: 0xffff },
  { offset: H.IO_LIMIT_UPPER, width: 2, rw: 0xffff },
  { offset: H.BRIDGE_CONTROL, width: 2, rw: 0x005f, effect: EFFECT.BRIDGE_CONTROL },
];

/** A virtual function has bus mastering and status bits of its own, nothing else (PCIe r6.1 §9.3.4.1). */
export const VIRTUAL_HEADER_ROWS: readonly AccessRow[] = [
  { offset: H.COMMAND, width: 2, rw: 0x0004 },
  { offset: H.STATUS, width: 2, w1c: STATUS_W1C },
];

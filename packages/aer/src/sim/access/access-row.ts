/** What a register's bits allow software to do. Bits in no mask are read-only (RO, HwInit, ROS). */
export interface AccessRow {
  /** Byte offset: from the start of the capability, or of configuration space for the header. */
  readonly offset: number;
  /** Bytes. */
  readonly width: 1 | 2 | 4;
  /** Read-write bits. */
  readonly rw?: number;
  /** Write-1-to-clear bits. */
  readonly w1c?: number;
  /** Bits of `rw` and `w1c` that a hot reset and a function-level reset leave alone (RWS, RW1CS; PCIe r6.1 §7.4). */
  readonly sticky?: number;
  /** Bits that a function-level reset leaves alone although a hot reset does not (PCIe r6.1 §6.6.2). */
  readonly keptByFlr?: number;
  /** What a reset sets the register to (non-sticky bits only). Default: 0. */
  readonly reset?: number;
  /** What has to be done after a write. */
  readonly effect?: Effect;
}

/** Writes that hardware acts upon. 0 means none. */
export const EFFECT = {
  NONE: 0,
  BIST: 1,
  BUS_NUMBERS: 2,
  BRIDGE_CONTROL: 3,
  DEVICE_CONTROL: 4,
  LINK_CONTROL: 5,
  UNCOR_STATUS: 6,
  COR_STATUS: 7,
  ROOT_COMMAND: 8,
  ROOT_STATUS: 9,
  SRIOV_CONTROL: 10,
  SRIOV_NUM_VFS: 11,
} as const;

/** One of {@link EFFECT}. */
export type Effect = (typeof EFFECT)[keyof typeof EFFECT];

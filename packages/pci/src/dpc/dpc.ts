import { dwords, u16, u32 } from '../config-space/bytes.js';
import { type ConfigSpace } from '../config-space/config-space.js';
import { hex, type Findings } from '../config-space/finding.js';
import { encodeRegisters, type RegisterLayout } from '../config-space/register-layout.js';
import {
  decodeFields,
  DPC,
  DPC_CAPABILITY,
  DPC_CONTROL,
  DPC_LENGTH,
  DPC_STATUS,
  RP_PIO_ERRORS,
  setBits,
  TLP_LOG_DWORDS,
  type BitName,
  type Fields,
} from '../registers/index.js';

/** The raw registers of the DPC capability. Those beyond its length are 0, or empty. */
export interface DpcRegisters {
  /** 32 bits: id 15:0, version 19:16, next 31:20. */
  readonly header: number;
  readonly capability: number;
  readonly control: number;
  readonly status: number;
  /** Requester id of the message that triggered. */
  readonly sourceId: number;
  readonly rpPioStatus: number;
  readonly rpPioMask: number;
  readonly rpPioSeverity: number;
  readonly rpPioSysError: number;
  readonly rpPioException: number;
  /** All dwords of the log, from the Header Log on: header 4, implementation-specific 1, prefixes. */
  readonly rpPioLog: readonly number[];
}

const LAYOUT: RegisterLayout<DpcRegisters> = [
  { name: 'header', offset: 0, width: 4 },
  { name: 'capability', offset: DPC.CAPABILITY, width: 2 },
  { name: 'control', offset: DPC.CONTROL, width: 2 },
  { name: 'status', offset: DPC.STATUS, width: 2 },
  { name: 'sourceId', offset: DPC.SOURCE_ID, width: 2 },
  { name: 'rpPioStatus', offset: DPC.RP_PIO_STATUS, width: 4 },
  { name: 'rpPioMask', offset: DPC.RP_PIO_MASK, width: 4 },
  { name: 'rpPioSeverity', offset: DPC.RP_PIO_SEVERITY, width: 4 },
  { name: 'rpPioSysError', offset: DPC.RP_PIO_SYSERROR, width: 4 },
  { name: 'rpPioException', offset: DPC.RP_PIO_EXCEPTION, width: 4 },
  { name: 'rpPioLog', offset: DPC.RP_PIO_HEADER_LOG, width: 4 },
];

const NO_LOG: readonly number[] = Object.freeze([]);

function read(b: Uint8Array, at: number, length: number): DpcRegisters {
  const pio = length >= DPC_LENGTH.rootPort;
  const log = (length - DPC_LENGTH.rootPort) >> 2;
  return {
    header: u32(b, at),
    capability: u16(b, at + DPC.CAPABILITY),
    control: u16(b, at + DPC.CONTROL),
    status: u16(b, at + DPC.STATUS),
    sourceId: u16(b, at + DPC.SOURCE_ID),
    rpPioStatus: pio ? u32(b, at + DPC.RP_PIO_STATUS) : 0,
    rpPioMask: pio ? u32(b, at + DPC.RP_PIO_MASK) : 0,
    rpPioSeverity: pio ? u32(b, at + DPC.RP_PIO_SEVERITY) : 0,
    rpPioSysError: pio ? u32(b, at + DPC.RP_PIO_SYSERROR) : 0,
    rpPioException: pio ? u32(b, at + DPC.RP_PIO_EXCEPTION) : 0,
    rpPioLog: log > 0 ? dwords(b, at + DPC.RP_PIO_HEADER_LOG, log) : NO_LOG,
  };
}

/** What triggered containment (PCIe r6.1 §7.9.14.4). */
export type DpcTrigger = 'unmasked_uncorrectable' | 'err_nonfatal' | 'err_fatal' | 'rp_pio' | 'software' | 'reserved';

/** The Root Port Programmed I/O registers: requests of the host itself that failed. */
export interface RpPio {
  readonly status: BitName[];
  readonly masked: BitName[];
  /** Uncorrectable, as opposed to advisory. */
  readonly severe: BitName[];
  /** Four dwords as in AER, when they are implemented. */
  readonly header: readonly number[] | undefined;
  /** Implementation-specific, when it is implemented. */
  readonly implementationSpecific: number | undefined;
  readonly prefixes: readonly number[];
}

const TRIGGERS: readonly DpcTrigger[] = ['unmasked_uncorrectable', 'err_nonfatal', 'err_fatal'];
const EXTENDED_TRIGGERS: readonly DpcTrigger[] = ['rp_pio', 'software', 'reserved', 'reserved'];

/** The size of the RP PIO log in dwords, 0–31: bits 11:8 and 13 of DPC Capability (Linux PCI_EXP_DPC_RP_PIO_LOG_SIZE4). */
const logSizeOf = (capability: number): number => ((capability >>> 8) & 0xf) | ((capability >>> 9) & 0x10);

/** The Downstream Port Containment capability. */
export class DpcCapability {
  constructor(
    /** Byte offset in configuration space. */
    readonly offset: number,
    /** How many bytes were decoded. */
    readonly length: number,
    readonly registers: DpcRegisters,
  ) {}

  get version(): number {
    return (this.registers.header >>> 16) & 0xf;
  }
  get capability(): Fields<typeof DPC_CAPABILITY> {
    return decodeFields(this.registers.capability, DPC_CAPABILITY);
  }
  get control(): Fields<typeof DPC_CONTROL> {
    return decodeFields(this.registers.control, DPC_CONTROL);
  }
  get status(): Fields<typeof DPC_STATUS> {
    return decodeFields(this.registers.status, DPC_STATUS);
  }
  /** In dwords, by the capability's own account. */
  get rpPioLogSize(): number {
    return logSizeOf(this.registers.capability);
  }
  /** Why the port is contained; undefined while it is not. */
  get trigger(): DpcTrigger | undefined {
    const { status } = this.registers;
    if ((status & 1) === 0) return undefined;
    return TRIGGERS[(status >>> 1) & 3] ?? EXTENDED_TRIGGERS[(status >>> 5) & 3];
  }
  /** Undefined without Root Port Extensions. */
  get rpPio(): RpPio | undefined {
    const { registers } = this;
    if (this.length < DPC_LENGTH.rootPort) return undefined;
    const log = registers.rpPioLog;
    return {
      status: setBits(registers.rpPioStatus, RP_PIO_ERRORS),
      masked: setBits(registers.rpPioMask, RP_PIO_ERRORS),
      severe: setBits(registers.rpPioSeverity, RP_PIO_ERRORS),
      header: log.length >= TLP_LOG_DWORDS.header ? log.slice(0, TLP_LOG_DWORDS.header) : undefined,
      implementationSpecific: log[TLP_LOG_DWORDS.header],
      prefixes: log.slice(TLP_LOG_DWORDS.header + 1),
    };
  }
}

/** The longest log: four dwords of header, one implementation-specific, ten of prefixes or of a Flit Mode header. */
const MOST_LOG = TLP_LOG_DWORDS.flit + 1;

/** How long the capability is by its own account; a log of an impossible size counts as none (Linux dpc.c:pci_dpc_init). */
function implementedLength(capability: number, offset: number, findings: Findings): number {
  if ((capability & DPC_CAPABILITY.rootPortExtensions.mask) === 0) return DPC_LENGTH.base;
  const size = logSizeOf(capability);
  if (size === 0 || (size >= TLP_LOG_DWORDS.header && size <= MOST_LOG)) return DPC_LENGTH.rootPort + 4 * size;
  const message = `RP PIO Log Size is ${size} dwords; it can be 0 or ${TLP_LOG_DWORDS.header}–${MOST_LOG}.`;
  findings.add('dpc_log_size_invalid', offset + DPC.CAPABILITY, 'PCIe r6.1 §7.9.14.2', message);
  return DPC_LENGTH.rootPort;
}

/**
 * Decodes the DPC capability at `offset`. Undefined, and a finding, when not even its base registers are there; when
 * only the Root Port Extensions are cut off, the rest is decoded.
 */
export function decodeDpc(space: ConfigSpace, offset: number, findings: Findings): DpcCapability | undefined {
  const whole = space.has(offset, DPC_LENGTH.base);
  const wanted = whole
    ? implementedLength(u16(space.bytes, offset + DPC.CAPABILITY), offset, findings)
    : DPC_LENGTH.base;
  const length = space.has(offset, wanted) ? wanted : DPC_LENGTH.base;
  if (!whole || length < wanted) {
    const message = `The DPC capability at ${hex(offset, 3)} needs ${wanted} bytes, ${space.length - offset} are there.`;
    findings.add('extended_capability_truncated', offset, 'PCIe r6.1 §7.9.14', message);
    if (!whole) return undefined;
  }
  return new DpcCapability(offset, length, read(space.bytes, offset, length));
}

/** The bytes of the capability: the inverse of {@link decodeDpc}. */
export const encodeDpc = ({ registers, length }: Pick<DpcCapability, 'registers' | 'length'>): Uint8Array =>
  encodeRegisters(registers, LAYOUT, length);

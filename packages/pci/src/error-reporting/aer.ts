import { u32 } from '../config-space/bytes.js';
import { type ConfigSpace } from '../config-space/config-space.js';
import { hex, type Findings } from '../config-space/finding.js';
import { encodeRegisters } from '../config-space/register-layout.js';
import { hasRootRegisters } from '../pcie/port-type.js';
import {
  AER,
  AER_CONTROL,
  AER_LENGTH,
  AER_ROOT_COMMAND,
  AER_ROOT_STATUS,
  CORRECTABLE_ERRORS,
  decodeFields,
  setBits,
  TLP_LOG_DWORDS,
  UNCORRECTABLE_ERRORS,
  type BitName,
  type Fields,
} from '../registers/index.js';
import { type PortType } from '../topology/index.js';
import { AER_LAYOUT, readAer, type AerRegisters } from './registers.js';
import { tlpLog, type TlpLog } from './tlp-log.js';

/** The root registers: what arrived at a root port or event collector. */
export interface AerRoot {
  readonly command: Fields<typeof AER_ROOT_COMMAND>;
  readonly status: Fields<typeof AER_ROOT_STATUS>;
  /** Requester id of the first ERR_COR. */
  readonly correctableSource: number;
  /** Requester id of the first ERR_NONFATAL or ERR_FATAL. */
  readonly uncorrectableSource: number;
}

/**
 * The Advanced Error Reporting capability (R3.1). `registers` holds the raw values; getters take them apart when they
 * are asked.
 */
export class AerCapability {
  constructor(
    /** Byte offset in configuration space. */
    readonly offset: number,
    /** How many bytes were decoded. */
    readonly length: number,
    readonly registers: AerRegisters,
    /** What the function is, as far as known: it decides whether there are root registers. */
    readonly portType: PortType | undefined,
    /** How many End-End TLP Prefixes the function supports. */
    readonly maxEndEndPrefixes: number,
  ) {}

  get version(): number {
    return (this.registers.header >>> 16) & 0xf;
  }
  /** Uncorrectable errors that were detected, masked or not, lowest bit first. */
  get uncorrectable(): BitName[] {
    return setBits(this.registers.uncorrectableStatus, UNCORRECTABLE_ERRORS);
  }
  /** Uncorrectable errors that are not reported. */
  get uncorrectableMasked(): BitName[] {
    return setBits(this.registers.uncorrectableMask, UNCORRECTABLE_ERRORS);
  }
  /** Uncorrectable errors that would be fatal. */
  get uncorrectableFatal(): BitName[] {
    return setBits(this.registers.uncorrectableSeverity, UNCORRECTABLE_ERRORS);
  }
  /** Detected, not masked, and fatal by severity. */
  get fatal(): BitName[] {
    const { uncorrectableStatus, uncorrectableMask, uncorrectableSeverity } = this.registers;
    return setBits(uncorrectableStatus & ~uncorrectableMask & uncorrectableSeverity, UNCORRECTABLE_ERRORS);
  }
  /** Detected, not masked, and not fatal by severity. */
  get nonFatal(): BitName[] {
    const { uncorrectableStatus, uncorrectableMask, uncorrectableSeverity } = this.registers;
    return setBits(uncorrectableStatus & ~uncorrectableMask & ~uncorrectableSeverity, UNCORRECTABLE_ERRORS);
  }
  /** Correctable errors that were detected, masked or not. */
  get correctable(): BitName[] {
    return setBits(this.registers.correctableStatus, CORRECTABLE_ERRORS);
  }
  /** Correctable errors that are not reported. */
  get correctableMasked(): BitName[] {
    return setBits(this.registers.correctableMask, CORRECTABLE_ERRORS);
  }
  get control(): Fields<typeof AER_CONTROL> {
    return decodeFields(this.registers.control, AER_CONTROL);
  }
  /**
   * The uncorrectable error that came first: the one that First Error Pointer points at, while its status bit is set
   * (PCIe r6.1 §6.2.4.2); undefined otherwise.
   */
  get firstError(): BitName | undefined {
    const bit = this.registers.control & 0x1f;
    if ((this.registers.uncorrectableStatus & (1 << bit)) === 0) return undefined;
    return UNCORRECTABLE_ERRORS.find((error) => error.bit === bit);
  }
  /** The root registers; undefined on what is neither root port nor event collector. */
  get root(): AerRoot | undefined {
    if (!hasRootRegisters(this.portType) || this.length < AER_LENGTH.root) return undefined;
    const { rootCommand, rootStatus, correctableSource, uncorrectableSource } = this.registers;
    return {
      command: decodeFields(rootCommand, AER_ROOT_COMMAND),
      status: decodeFields(rootStatus, AER_ROOT_STATUS),
      correctableSource,
      uncorrectableSource,
    };
  }
  /** The logged TLP: its header, and its prefixes where there are any. */
  get log(): TlpLog {
    return tlpLog(this.registers, this.maxEndEndPrefixes);
  }
}

/** What else the decoder must know of the function. */
export interface AerContext {
  readonly portType?: PortType | undefined;
  /** Default 0: End-End TLP Prefixes are not supported. */
  readonly maxEndEndPrefixes?: number;
}

/** How long the capability is, by what the function implements. */
function implementedLength(control: number, { portType, maxEndEndPrefixes = 0 }: AerContext): number {
  const { loggedInFlitMode, loggedTlpSize } = AER_CONTROL;
  if (control & loggedInFlitMode.mask) {
    const size = Math.min((control & loggedTlpSize.mask) >>> loggedTlpSize.shift, TLP_LOG_DWORDS.flit);
    if (size > TLP_LOG_DWORDS.header) return AER.PREFIX_LOG + 4 * (size - TLP_LOG_DWORDS.header);
  } else if (control & AER_CONTROL.tlpPrefixLogPresent.mask || maxEndEndPrefixes > 0) {
    return AER_LENGTH.prefixLog;
  }
  return hasRootRegisters(portType) ? AER_LENGTH.root : AER_LENGTH.endpoint;
}

/** As much of it as there is, in whole parts. */
function availableLength(space: ConfigSpace, offset: number, wanted: number): number {
  if (space.has(offset, wanted)) return wanted;
  return wanted > AER_LENGTH.root && space.has(offset, AER_LENGTH.root) ? AER_LENGTH.root : AER_LENGTH.endpoint;
}

function checkLogSize(control: number, offset: number, findings: Findings): void {
  const { loggedInFlitMode, loggedTlpSize } = AER_CONTROL;
  const size = (control & loggedTlpSize.mask) >>> loggedTlpSize.shift;
  if ((control & loggedInFlitMode.mask) === 0 || size <= TLP_LOG_DWORDS.flit) return;
  const message = `Logged TLP Size is ${size} dwords, the log has ${TLP_LOG_DWORDS.flit}.`;
  findings.add('aer_log_size_invalid', offset + AER.CAP_CONTROL, 'PCIe r6.1 §7.8.4.7', message);
}

/**
 * Decodes the AER capability at `offset`. Undefined, and a finding, when not even its Header Log is there; when only
 * what follows is cut off, the rest is decoded.
 */
export function decodeAer(
  space: ConfigSpace,
  offset: number,
  findings: Findings,
  context: AerContext = {},
): AerCapability | undefined {
  const whole = space.has(offset, AER_LENGTH.endpoint);
  const control = whole ? u32(space.bytes, offset + AER.CAP_CONTROL) : 0;
  const wanted = implementedLength(control, context);
  const length = availableLength(space, offset, wanted);
  if (!whole || length < wanted) {
    const message = `The AER capability at ${hex(offset, 3)} needs ${wanted} bytes, ${space.length - offset} are there.`;
    findings.add('extended_capability_truncated', offset, 'PCIe r6.1 §7.8.4', message);
    if (!whole) return undefined;
  }
  checkLogSize(control, offset, findings);
  const registers = readAer(space.bytes, offset, length);
  return new AerCapability(offset, length, registers, context.portType, context.maxEndEndPrefixes ?? 0);
}

/** The bytes of the capability: the inverse of {@link decodeAer}. */
export const encodeAer = ({ registers, length }: Pick<AerCapability, 'registers' | 'length'>): Uint8Array =>
  encodeRegisters(registers, AER_LAYOUT, length);

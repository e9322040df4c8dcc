import { CONFIG_SIZE, extendedCapabilityName, type EXTENDED_CAPABILITY_ID } from '../registers/index.js';
import { u32 } from './bytes.js';
import { type ConfigSpace } from './config-space.js';
import { hex, type Findings } from './finding.js';

const RULE = 'PCIe r6.1 §7.6.3';

/** One entry of the extended capability list, from 0x100 on. */
export class ExtendedCapability {
  constructor(
    /** 16 bits: see `EXTENDED_CAPABILITY_ID`. */
    readonly id: number,
    /** 4 bits. */
    readonly version: number,
    /** Byte offset in configuration space, 0x100–0xffc. */
    readonly offset: number,
  ) {}

  /** Undefined for an id that is not known. */
  get name(): string | undefined {
    return extendedCapabilityName(this.id);
  }
}

/** Follows the pointer of a header: the offset of the next one, or 0 when the list ends here, rightly or wrongly. */
function follow(header: number, from: number, space: ConfigSpace, findings: Findings): number {
  const pointer = header >>> 20;
  const offset = pointer & ~3;
  if (offset !== pointer) {
    const message = `Bits 1:0 of next pointer ${hex(pointer, 3)} are reserved.`;
    findings.add('extended_capability_pointer_reserved_bits', from, RULE, message);
  }
  if (offset === 0) return 0;
  if (offset < CONFIG_SIZE.conventional) {
    const message = `Next pointer ${hex(pointer, 3)} points below 0x100.`;
    findings.add('extended_capability_pointer_into_header', from, RULE, message);
    return 0;
  }
  if (!space.has(offset, 4)) {
    const message = `Next pointer ${hex(pointer, 3)} points beyond the ${space.length} bytes that there are.`;
    findings.add('extended_capability_pointer_beyond_end', from, RULE, message);
    return 0;
  }
  return offset;
}

/** Why a header ends the list instead of being an entry of it. */
function ends(header: number, offset: number, found: ExtendedCapability[], findings: Findings): boolean {
  if (header === 0xffff_ffff) {
    const message = `The header at ${hex(offset, 3)} reads all ones: no answer.`;
    findings.add('extended_capability_all_ones', offset, RULE, message);
    return true;
  }
  if (header === 0) {
    // Zeros at 0x100 say that there is none; anywhere else a pointer has led to nothing.
    if (found.length > 0) {
      const message = `The header at ${hex(offset, 3)} is empty.`;
      findings.add('extended_capability_empty', offset, RULE, message);
    }
    return true;
  }
  if (found.some((capability) => capability.offset === offset)) {
    const from = found.at(-1)!.offset;
    const message = `The header at ${hex(from, 3)} leads back to ${hex(offset, 3)}.`;
    findings.add('extended_capability_loop', from, RULE, message);
    return true;
  }
  return false;
}

/**
 * Walks the extended capability list from 0x100. Every offset is visited once at most, so it ends on any bytes; what is
 * wrong goes to `findings` and ends the list there.
 */
export function walkExtendedCapabilities(space: ConfigSpace, findings: Findings): ExtendedCapability[] {
  const found: ExtendedCapability[] = [];
  let offset: number = space.has(CONFIG_SIZE.conventional, 4) ? CONFIG_SIZE.conventional : 0;
  while (offset !== 0) {
    const header = u32(space.bytes, offset);
    if (ends(header, offset, found, findings)) break;
    found.push(new ExtendedCapability(header & 0xffff, (header >>> 16) & 0xf, offset));
    offset = follow(header, offset, space, findings);
  }
  return found;
}

/** The first extended capability with an id. */
export const findExtendedCapability = (
  list: readonly ExtendedCapability[],
  id: (typeof EXTENDED_CAPABILITY_ID)[keyof typeof EXTENDED_CAPABILITY_ID],
): ExtendedCapability | undefined => list.find((capability) => capability.id === id);

import { capabilityName, CONFIG_SIZE, type CAPABILITY_ID } from '../registers/index.js';
import { u16 } from './bytes.js';
import { type ConfigSpace } from './config-space.js';
import { hex, type Findings } from './finding.js';

const RULE = 'PCIe r6.1 §7.5.1.1.11';

/** One entry of the capability list in the first 256 bytes. */
export class Capability {
  constructor(
    /** 8 bits: see `CAPABILITY_ID`. */
    readonly id: number,
    /** Byte offset in configuration space, 0x40–0xfc. */
    readonly offset: number,
    /** The 16 bits behind id and pointer, whose meaning is the capability's. */
    readonly control: number,
  ) {}

  /** Undefined for an id that is not assigned. */
  get name(): string | undefined {
    return capabilityName(this.id);
  }
}

/** Follows a pointer: the offset of the next capability, or 0 when the list ends here, rightly or wrongly. */
function follow(pointer: number, from: number, space: ConfigSpace, findings: Findings): number {
  const offset = pointer & ~3;
  if (offset !== pointer) {
    findings.add('capability_pointer_reserved_bits', from, RULE, `Bits 1:0 of pointer ${hex(pointer)} are reserved.`);
  }
  if (offset === 0) return 0;
  if (offset < CONFIG_SIZE.header) {
    findings.add('capability_pointer_into_header', from, RULE, `Pointer ${hex(pointer)} points into the header.`);
    return 0;
  }
  if (!space.has(offset, 4)) {
    const message = `Pointer ${hex(pointer)} points beyond the ${space.length} bytes that there are.`;
    findings.add('capability_pointer_beyond_end', from, RULE, message);
    return 0;
  }
  return offset;
}

/**
 * Walks the capability list from the pointer at byte offset `pointerAt`. Every offset is visited once at most, so it
 * ends on any bytes; what is wrong goes to `findings` and ends the list there.
 */
export function walkCapabilities(space: ConfigSpace, pointerAt: number, findings: Findings): Capability[] {
  const found: Capability[] = [];
  const { bytes } = space;
  let from = pointerAt;
  let offset = space.has(pointerAt, 1) ? follow(bytes[pointerAt]!, from, space, findings) : 0;
  while (offset !== 0) {
    if (found.some((capability) => capability.offset === offset)) {
      findings.add('capability_loop', from, RULE, `The pointer at ${hex(from)} leads back to ${hex(offset)}.`);
      break;
    }
    const id = bytes[offset]!;
    if (id === 0xff) {
      findings.add('capability_all_ones', offset, RULE, `The capability at ${hex(offset)} has id 0xff: no answer.`);
      break;
    }
    found.push(new Capability(id, offset, u16(bytes, offset + 2)));
    from = offset + 1;
    offset = follow(bytes[from]!, from, space, findings);
  }
  return found;
}

/** The first capability with an id. */
export const findCapability = (
  list: readonly Capability[],
  id: (typeof CAPABILITY_ID)[keyof typeof CAPABILITY_ID],
): Capability | undefined => list.find((capability) => capability.id === id);

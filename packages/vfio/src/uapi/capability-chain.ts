import { type ByteOrder } from './byte-order.js';
import { decodeStruct } from './struct/decode.js';
import { kernelReply } from './struct/kernel-reply.js';
import { sizeOf } from './struct/tables.js';

const HEADER = 'vfio_info_cap_header';

/** One capability of a chain, whole. */
export interface RawCapability {
  readonly id: number;
  readonly version: number;
  /** Offset in bytes from the start of the reply. */
  readonly offset: number;
  /** A copy of its bytes, header included, up to the next capability or the end of the reply. */
  readonly bytes: Uint8Array;
}

/** A capability that this version has no codec for, or not for its version: kept whole. */
export interface UnknownCapability extends RawCapability {
  readonly kind: 'unknown';
}

/** Where a chain lies. Offsets and lengths in bytes. */
export interface ChainPlace {
  /** Structure and field that name the first capability, for messages. */
  readonly struct: string;
  readonly field: string;
  readonly first: number;
  /** Capabilities begin behind the fixed structure. */
  readonly start: number;
  /** Capabilities end where the reply ends (`argsz`, at most the buffer's length). */
  readonly end: number;
}

function checkOffset(struct: string, field: string, offset: number, least: number, end: number): void {
  const header = sizeOf(HEADER);
  if (offset % 4 !== 0) throw kernelReply(struct, field, offset, 'capabilities are aligned to 4 bytes');
  if (offset < least) throw kernelReply(struct, field, offset, `the next capability begins at ${least} or later`);
  if (offset + header > end) {
    throw kernelReply(
      struct,
      field,
      offset,
      `a capability header of ${header} bytes ends by ${end}, where the reply ends`,
    );
  }
}

/**
 * The capabilities of a reply, in the order of the chain. The kernel appends each behind the one before
 * (drivers/vfio/vfio_main.c:vfio_info_cap_add), so the chain only goes forward: no loop, no overlap. Older kernels align
 * them to 4 bytes only.
 * @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY` for an offset that is misaligned, behind the end, or not behind the one before
 */
export function walkCapabilities(buffer: Uint8Array, place: ChainPlace, order: ByteOrder): readonly RawCapability[] {
  const found: RawCapability[] = [];
  let { struct, field, first: offset, start: least } = place;
  do {
    checkOffset(struct, field, offset, least, place.end);
    const { id, version, next } = decodeStruct(HEADER, buffer, order, offset);
    const end = next === 0 ? place.end : Math.min(next, place.end);
    found.push({ id, version, offset, bytes: new Uint8Array(buffer.subarray(offset, Math.max(end, offset))) });
    [struct, field, least, offset] = [HEADER, 'next', offset + sizeOf(HEADER), next];
  } while (offset !== 0);
  return found;
}

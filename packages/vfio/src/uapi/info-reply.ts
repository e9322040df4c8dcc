import { type ByteOrder } from './byte-order.js';
import { type RawCapability, walkCapabilities } from './capability-chain.js';
import { MOST_REPLY_BYTES } from './query.js';
import { kernelReply } from './struct/kernel-reply.js';

/** The fields that every reply with a capability chain has. */
export interface ChainFields {
  readonly argsz: number;
  readonly cap_offset: number;
}

/** What `argsz` of a reply with capabilities says: all is there, or how many bytes it takes. */
export type InfoLength = { readonly needed: number } | { readonly end: number };

/**
 * Reads `argsz` of a reply. The kernel leaves it, or raises it to what its capabilities take; it then leaves them out
 * without an error (vfio.h, "Callers of INFO ioctls …").
 * @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY` when it is shorter than what was asked with, or absurd
 */
export function infoLength(struct: string, argsz: number, buffer: Uint8Array): InfoLength {
  const given = buffer.byteLength;
  if (argsz < given) throw kernelReply(struct, 'argsz', argsz, `it stays at ${given}, which it was given, or grows`);
  if (argsz > MOST_REPLY_BYTES) {
    throw kernelReply(struct, 'argsz', argsz, `no reply needs more than ${MOST_REPLY_BYTES} bytes`);
  }
  return argsz > given ? { needed: argsz } : { end: argsz };
}

/**
 * The capabilities of a complete reply; none when the flag that announces them is not set.
 * @param start bytes of the fixed structure
 */
export function capabilitiesOf(
  struct: string,
  { cap_offset }: ChainFields,
  announced: boolean,
  { buffer, start, order }: { readonly buffer: Uint8Array; readonly start: number; readonly order: ByteOrder },
): readonly RawCapability[] {
  if (!announced) return [];
  const place = { struct, field: 'cap_offset', first: cap_offset, start, end: buffer.byteLength };
  return walkCapabilities(buffer, place, order);
}

/**
 * Replies without capabilities: the kernel leaves `argsz` as it was.
 * @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY` otherwise
 */
export function checkArgszKept(struct: string, field: 'argsz' | 'size', argsz: number, buffer: Uint8Array): void {
  if (argsz !== buffer.byteLength) {
    throw kernelReply(struct, field, argsz, `the kernel leaves it at ${buffer.byteLength}, which it was given`);
  }
}

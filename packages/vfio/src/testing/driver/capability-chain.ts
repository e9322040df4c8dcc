import { type ByteOrder } from '../../uapi/byte-order.js';
import { viewOf } from '../../uapi/struct/decode.js';

/** A capability that is to go behind an info structure, header included; its `next` is filled in. */
export interface Capability {
  readonly id: number;
  readonly version: number;
  /** What follows the header. */
  readonly body: Uint8Array;
}

const HEADER = 8;
const aligned = (length: number): number => (length + 7) & ~7;

/** How many bytes a chain takes: each capability begins at 8 bytes (drivers/vfio/vfio_main.c:vfio_info_cap_add). */
export const chainLength = (capabilities: readonly Capability[]): number =>
  capabilities.reduce((sum, { body }) => sum + aligned(HEADER + body.byteLength), 0);

/** Writes a chain at an offset of a reply; `next` counts from the reply's start. */
export function writeChain(
  reply: Uint8Array,
  capabilities: readonly Capability[],
  start: number,
  order: ByteOrder,
): void {
  const view = viewOf(reply);
  const little = order === 'LE';
  let at = start;
  capabilities.forEach(({ id, version, body }, index) => {
    const next = at + aligned(HEADER + body.byteLength);
    view.setUint16(at, id, little);
    view.setUint16(at + 2, version, little);
    view.setUint32(at + 4, index === capabilities.length - 1 ? 0 : next, little);
    reply.fill(0, at + HEADER, next);
    reply.set(body, at + HEADER);
    at = next;
  });
}

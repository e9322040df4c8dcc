/** What kind of packet it was (PCIe r6.1 §2.2.1.1, table 2-3). */
export type TlpKind =
  | 'memory_read'
  | 'memory_read_locked'
  | 'memory_write'
  | 'deferrable_memory_write'
  | 'io_read'
  | 'io_write'
  | 'config_read_0'
  | 'config_write_0'
  | 'config_read_1'
  | 'config_write_1'
  | 'message'
  | 'message_with_data'
  | 'completion'
  | 'completion_with_data'
  | 'completion_locked'
  | 'completion_locked_with_data'
  | 'fetch_add'
  | 'swap'
  | 'compare_and_swap';

/** What the header of a TLP says. Ids are requester ids: bus 15:8, device 7:3, function 2:0. */
export interface Tlp {
  readonly kind: TlpKind;
  /** In dwords: 3 or 4. */
  readonly headerDwords: 3 | 4;
  /** Payload, or what is asked for, in dwords: 1–1024; 0 for what has none. */
  readonly length: number;
  readonly trafficClass: number;
  /** EP: the payload is poisoned. */
  readonly poisoned: boolean;
  /** TD: it carries an ECRC. */
  readonly digest: boolean;
  /** Who sent the request. */
  readonly requester: number;
  /** Up to 10 bits. */
  readonly tag: number;
  /** First (3:0) and last (7:4) dword byte enables. Not in completions, messages and AtomicOps. */
  readonly byteEnables?: number;
  /** Memory and I/O: byte address. */
  readonly address?: bigint;
  /** Configuration: whom it is for, and which register (byte offset). */
  readonly target?: { readonly id: number; readonly register: number };
  /** Completions. `status` 0 success, 1 unsupported request, 2 request retry, 4 completer abort. */
  readonly completion?: {
    readonly completer: number;
    readonly status: number;
    readonly byteCount: number;
    readonly lowerAddress: number;
  };
  /** Messages: code and routing. */
  readonly message?: { readonly code: number; readonly routing: number };
}

/** Kinds by type (4:0), without and with data; messages are apart. */
const KINDS: Readonly<Record<number, readonly [TlpKind | undefined, TlpKind | undefined]>> = {
  0b00000: ['memory_read', 'memory_write'],
  0b00001: ['memory_read_locked', undefined],
  0b00010: ['io_read', 'io_write'],
  0b00100: ['config_read_0', 'config_write_0'],
  0b00101: ['config_read_1', 'config_write_1'],
  0b01010: ['completion', 'completion_with_data'],
  0b01011: ['completion_locked', 'completion_locked_with_data'],
  0b01100: [undefined, 'fetch_add'],
  0b01101: [undefined, 'swap'],
  0b01110: [undefined, 'compare_and_swap'],
  0b11011: [undefined, 'deferrable_memory_write'],
};

/** Types that only exist with a header of three dwords. */
const SHORT_ONLY = new Set([0b00010, 0b00100, 0b00101, 0b01010, 0b01011]);

const ADDRESSED = /^(memory|io|deferrable|fetch|swap|compare)/;
const WITHOUT_BYTE_ENABLES = /^(completion|message|fetch|swap|compare)/;

function kindOf(dw0: number): TlpKind | undefined {
  const fmt = dw0 >>> 29;
  const type = (dw0 >>> 24) & 0x1f;
  if (fmt > 3) return undefined;
  const withData = fmt >> 1;
  if (type >> 3 === 0b10) return fmt & 1 ? (withData ? 'message_with_data' : 'message') : undefined;
  if (fmt & 1 && SHORT_ONLY.has(type)) return undefined;
  return KINDS[type]?.[withData];
}

function addressOf(header: readonly number[], long: boolean): bigint {
  const low = BigInt(((long ? header[3]! : header[2]!) & ~3) >>> 0);
  return long ? (BigInt(header[2]!) << 32n) | low : low;
}

/** What only some kinds have. */
function particulars(kind: TlpKind, header: readonly number[], long: boolean): Partial<Tlp> {
  const dw1 = header[1]!;
  const dw2 = header[2]!;
  if (ADDRESSED.test(kind)) return { address: addressOf(header, long) };
  if (kind.startsWith('config')) return { target: { id: dw2 >>> 16, register: dw2 & 0xffc } };
  if (kind.startsWith('message')) return { message: { code: dw1 & 0xff, routing: (header[0]! >>> 24) & 7 } };
  return {
    completion: {
      completer: dw1 >>> 16,
      status: (dw1 >>> 13) & 7,
      byteCount: dw1 & 0xfff || 4096,
      lowerAddress: dw2 & 0x7f,
    },
  };
}

/**
 * Decodes the header of a TLP that was logged outside Flit Mode: the four dwords of a Header Log, byte 0 of the TLP in
 * bits 31:24 of the first (PCIe r6.1 §2.2). Undefined for what is no header of a known kind, such as an empty log of
 * all ones, and when there are fewer than three or four dwords. A log of zeros reads as a memory read of 1024 dwords:
 * ask `firstError` whether anything was logged.
 */
export function decodeTlp(header: readonly number[]): Tlp | undefined {
  const dw0 = header[0];
  const kind = dw0 === undefined ? undefined : kindOf(dw0);
  if (dw0 === undefined || kind === undefined) return undefined;
  const long = ((dw0 >>> 29) & 1) === 1;
  if (header.length < (long ? 4 : 3)) return undefined;
  const dw1 = header[1]!;
  const completion = kind.startsWith('completion');
  const ids = completion ? header[2]! : dw1;
  const sized = kind !== 'message' && kind !== 'completion' && kind !== 'completion_locked';
  return {
    kind,
    headerDwords: long ? 4 : 3,
    length: sized ? dw0 & 0x3ff || 1024 : 0,
    trafficClass: (dw0 >>> 20) & 7,
    poisoned: (dw0 & 0x4000) !== 0,
    digest: (dw0 & 0x8000) !== 0,
    requester: ids >>> 16,
    tag: ((ids >>> 8) & 0xff) | ((dw0 >>> 11) & 0x100) | ((dw0 >>> 14) & 0x200),
    ...(!WITHOUT_BYTE_ENABLES.test(kind) && { byteEnables: dw1 & 0xff }),
    ...particulars(kind, header, long),
  };
}

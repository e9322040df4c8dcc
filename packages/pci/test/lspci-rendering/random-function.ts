import fc from 'fast-check';
import { CAPABILITY_ID, EXTENDED_CAPABILITY_ID, PCIE_TYPE, PCI_HEADER } from '../../src/index.js';

/** Where the capabilities of a made-up function lie; in this order they are linked. */
const PLACES = [
  { id: CAPABILITY_ID.MSI, offset: 0x50 },
  { id: CAPABILITY_ID.PCIE, offset: 0x80 },
  { id: CAPABILITY_ID.MSIX, offset: 0xd0 },
];
const EXTENDED_PLACES = [
  { id: EXTENDED_CAPABILITY_ID.AER, offset: 0x100 },
  { id: EXTENDED_CAPABILITY_ID.SRIOV, offset: 0x180 },
  { id: EXTENDED_CAPABILITY_ID.DPC, offset: 0x200 },
];
const END = 0x280;

function link(bytes: Uint8Array): void {
  bytes[PCI_HEADER.CAPABILITIES_POINTER] = PLACES[0]!.offset;
  PLACES.forEach(({ id, offset }, i) => {
    bytes[offset] = id;
    bytes[offset + 1] = PLACES[i + 1]?.offset ?? 0;
  });
  EXTENDED_PLACES.forEach(({ id, offset }, i) => {
    const next = EXTENDED_PLACES[i + 1]?.offset ?? 0;
    bytes.set([id & 0xff, id >> 8, 1 | ((next & 0xf) << 4), next >> 4], offset);
  });
}

/** What is chosen; everything else follows from `seed`. */
interface Frame {
  readonly type: number;
  readonly version: number;
  readonly bridge: boolean;
  readonly pin: number;
  /** The kind of both ends of a bridge's windows: 0 and 1 are narrow and wide. */
  readonly window: number;
  readonly seed: number;
}

/** Random dwords from a seed, some of them zeros or ones: registers that nobody wrote, or that do not answer. */
function* dwordsOf(seed: number): Generator<number, never> {
  let state = seed | 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  for (;;) {
    const kind = next() % 10;
    yield kind === 0 ? 0 : kind === 1 ? 0xffff_ffff : next();
  }
}

/** Gives base and limit of the windows of a bridge the same kind, as hardware does. */
function alignWindows(bytes: Uint8Array, kind: number): void {
  const { IO_BASE, IO_LIMIT, MEMORY_BASE, MEMORY_LIMIT, PREFETCHABLE_BASE, PREFETCHABLE_LIMIT } = PCI_HEADER;
  for (const at of [IO_BASE, IO_LIMIT, PREFETCHABLE_BASE, PREFETCHABLE_LIMIT]) bytes[at] = (bytes[at]! & 0xf0) | kind;
  for (const at of [MEMORY_BASE, MEMORY_LIMIT]) bytes[at]! &= 0xf0;
}

/** A function in which every register of every capability is random, so that every bit is seen set and clear. */
function functionOf({ type, version, bridge, pin, window, seed }: Frame): Uint8Array {
  const bytes = new Uint8Array(END);
  const view = new DataView(bytes.buffer);
  const dwords = dwordsOf(seed);
  for (let at = 0; at < END; at += 4) view.setUint32(at, dwords.next().value, true);
  // It answers: not all of its identification reads ones.
  view.setUint16(PCI_HEADER.VENDOR_ID, 0x1af4, true);
  bytes[PCI_HEADER.STATUS]! |= 0x10;
  bytes[PCI_HEADER.HEADER_TYPE] = (bytes[PCI_HEADER.HEADER_TYPE]! & 0x80) | Number(bridge);
  // lspci prints the pin as a character, which could be a line break.
  bytes[PCI_HEADER.INTERRUPT_PIN] = pin;
  if (bridge && window < 3) alignWindows(bytes, window);
  link(bytes);
  bytes[0x82] = (type << 4) | version;
  return bytes;
}

const types = [...Object.values(PCIE_TYPE), 0x2, 0xf];

/** Functions of every Device/Port Type, headers of type 0 and 1, both versions of the PCI Express capability. */
export const randomFunction: fc.Arbitrary<Uint8Array> = fc
  .record({
    type: fc.constantFrom(...types),
    version: fc.constantFrom(1, 2),
    bridge: fc.boolean(),
    pin: fc.integer({ min: 0, max: 4 }),
    window: fc.integer({ min: 0, max: 3 }),
    seed: fc.integer({ min: 1, max: 0x7fff_ffff }),
  })
  .map(functionOf);

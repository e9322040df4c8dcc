const DESCRIPTOR = 16;
const DEVICE_WRITES = 2;
/** Where the three rings of a small queue are in its page; each is aligned as virtio wants it (OASIS Virtio 1.3 §2.7). */
const AVAILABLE = 0x400;
const USED = 0x800;
const DATA = 0x1000;

/** A split virtqueue with one buffer at a time, in memory that the device can reach. Little-endian. */
export class Virtqueue {
  /** Bytes of memory that it takes. */
  static readonly SIZE = 0x2000;
  readonly #view: DataView;
  readonly #iova: bigint;
  #used = 0;

  /** `iova`: where the device sees the memory. */
  constructor(memory: ArrayBuffer, iova: bigint) {
    this.#view = new DataView(memory);
    this.#iova = iova;
    new Uint8Array(memory).fill(0);
  }

  /** Where the device finds descriptors, available ring and used ring. */
  get addresses(): readonly [descriptors: bigint, available: bigint, used: bigint] {
    return [this.#iova, this.#iova + BigInt(AVAILABLE), this.#iova + BigInt(USED)];
  }

  /** Offers the device a buffer to write into. */
  offer(length: number): void {
    const view = this.#view;
    new Uint8Array(view.buffer, DATA, length).fill(0);
    view.setBigUint64(0, this.#iova + BigInt(DATA), true);
    view.setUint32(8, length, true);
    view.setUint16(12, DEVICE_WRITES, true);
    view.setUint16(14, 0, true);
    const index = view.getUint16(AVAILABLE + 2, true);
    view.setUint16(AVAILABLE + 4 + 2 * (index % this.#entries), 0, true);
    view.setUint16(AVAILABLE + 2, (index + 1) & 0xffff, true);
  }

  #entries = 1;

  /** As many entries as the device agreed to. */
  set entries(entries: number) {
    this.#entries = entries;
  }

  /** What the device wrote into the buffer; undefined while it has not. */
  take(): Uint8Array | undefined {
    const view = this.#view;
    if (view.getUint16(USED + 2, true) === this.#used) return undefined;
    const at = USED + 4 + 8 * (this.#used % this.#entries);
    const length = view.getUint32(at + 4, true);
    this.#used = (this.#used + 1) & 0xffff;
    return new Uint8Array(view.buffer.slice(DATA, DATA + length));
  }

  static readonly MOST_ENTRIES = AVAILABLE / DESCRIPTOR;
}

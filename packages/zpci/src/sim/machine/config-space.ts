import { type ConfigWidth } from '../../port.js';

/** Byte offset of the MSI-X capability of simulated functions. */
export const MSIX_AT = 0x40;

/** Bytes that software can write, by offset, with the bits of each that it changes. */
const WRITABLE: readonly (readonly [offset: number, bits: readonly number[]])[] = [
  [0x04, [0x46, 0x05]],
  [0x0c, [0xff]],
  // Three 64-bit base addresses of 4 KiB each.
  ...[0x10, 0x18, 0x20].map((offset) => [offset, [0x00, 0xf0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]] as const),
  [0x3c, [0xff]],
  [MSIX_AT + 3, [0xc0]],
];

/** Configuration space of a simulated function: a header and an MSI-X capability, no PCI Express (R2.11). */
export class ConfigSpace {
  readonly #bytes = new Uint8Array(256);
  readonly #writable = new Uint8Array(256);
  readonly #vendor: number;
  readonly #device: number;

  constructor(vendor: number, device: number) {
    this.#vendor = vendor;
    this.#device = device;
    for (const [offset, bits] of WRITABLE) this.#writable.set(bits, offset);
    this.reset();
  }

  /** As after a reset: nothing decodes, no bus master, no interrupts. */
  reset(): void {
    const view = new DataView(this.#bytes.buffer);
    this.#bytes.fill(0);
    view.setUint16(0x00, this.#vendor, true);
    view.setUint16(0x02, this.#device, true);
    view.setUint16(0x06, 0x0010, true);
    this.#bytes[0x0b] = 0xff;
    for (const offset of [0x10, 0x18, 0x20]) this.#bytes[offset] = 0x04;
    this.#bytes[0x34] = MSIX_AT;
    view.setUint16(MSIX_AT, 0x0011, true);
    view.setUint16(MSIX_AT + 2, 0x0003, true);
  }

  /** All ones for what is not aligned, or beyond the end. */
  read(offset: number, width: ConfigWidth): number {
    if (!fits(offset, width)) return width === 4 ? 0xffff_ffff : 2 ** (8 * width) - 1;
    let value = 0;
    for (let index = width - 1; index >= 0; index--) value = value * 256 + this.#bytes[offset + index]!;
    return value;
  }

  /** Lost for what is not aligned, or beyond the end. */
  write(offset: number, width: ConfigWidth, value: number): void {
    if (!fits(offset, width)) return;
    for (let index = 0; index < width; index++) {
      const at = offset + index;
      const bits = this.#writable[at]!;
      this.#bytes[at] = (this.#bytes[at]! & ~bits) | ((value >>> (8 * index)) & bits);
    }
  }
}

const fits = (offset: number, width: number): boolean =>
  Number.isInteger(offset) && offset >= 0 && offset % width === 0 && offset + width <= 256;

import { CONFIG_SIZE } from '@pci-recovery/pci';

/** Configuration space while it is being made. */
export class RegisterImage {
  readonly words = new Uint32Array(CONFIG_SIZE.extended / 4);
  #lastCapability = 0;
  #lastExtended = 0;
  #nextExtended: number = CONFIG_SIZE.conventional;

  /** Replaces a naturally aligned register. */
  put(offset: number, width: 1 | 2 | 4, value: number): void {
    const shift = (offset & 3) << 3;
    const lane = width === 4 ? 0xffff_ffff : width === 2 ? 0xffff : 0xff;
    const index = offset >> 2;
    this.words[index] = (this.words[index]! & ~(lane << shift)) | ((value & lane) << shift);
  }

  /** Puts a capability at byte `offset` at the end of the list that starts at `pointer`. */
  capability(pointer: number, id: number, offset: number): void {
    this.put(offset, 1, id);
    this.put(this.#lastCapability === 0 ? pointer : this.#lastCapability + 1, 1, offset);
    this.#lastCapability = offset;
  }

  /** Puts an extended capability of `length` bytes behind the others; returns its byte offset. */
  extended(id: number, version: number, length: number): number {
    const offset = this.#nextExtended;
    this.put(offset, 4, (version << 16) | id);
    if (this.#lastExtended !== 0)
      this.put(this.#lastExtended + 2, 2, (offset << 4) | this.#version(this.#lastExtended));
    this.#lastExtended = offset;
    this.#nextExtended = offset + length;
    return offset;
  }

  #version(offset: number): number {
    return (this.words[offset >> 2]! >>> 16) & 0xf;
  }
}

import { type Plain } from '@pci-recovery/core';
import { type RegionInfo } from '../../uapi/region-info.js';
import { type KernelFile } from '../kernel-file.js';
import { type Meanings, refusedCall } from '../../seam/refused-call.js';
import { checkPiece, type Cut, shortTransfer, transfer, transferAsync } from './transfer.js';

const MEANINGS: Meanings = {
  EIO: { advice: 'the access failed: memory decode is off, the device sleeps, or it does not answer.' },
  ENODEV: {
    advice: 'the function does not answer (on s390 it is in the error state until it is reset), or it went away.',
  },
};

/** Reads and writes of one region by pread and pwrite. Offsets are relative to the region; bytes. */
export class RegionAccess {
  readonly #file: KernelFile;
  readonly #info: Pick<RegionInfo, 'index' | 'size' | 'offset'>;
  readonly #what: string;

  /** @param what how messages call it: `configuration space` */
  constructor(file: KernelFile, info: Pick<RegionInfo, 'index' | 'size' | 'offset'>, what: string) {
    this.#file = file;
    this.#info = info;
    this.#what = `${what} of ${file.what}`;
  }

  /** @throws PciRecoveryError `ERR_PCI_BAD_OFFSET`; the kernel's errno; `ERR_PCI_SHORT_TRANSFER`; `ERR_PCI_CLOSED` */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const buffer = this.#room(offset, length);
    const cut = await transferAsync(buffer, (part, at) => this.#file.preadAsync(part, this.#place(offset + at)));
    this.#whole('pread', cut, { offset, length });
    return buffer;
  }

  /** Throws as {@link read}; then some bytes may be written. */
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    checkPiece({ offset, length: bytes.length }, this.#info.size, this.#what);
    // A copy: the caller may go on with his memory while a thread reads it. slice() of a Buffer would be none.
    const cut = await transferAsync(Uint8Array.from(bytes), (part, at) =>
      this.#file.pwriteAsync(part, this.#place(offset + at)),
    );
    this.#whole('pwrite', cut, { offset, length: bytes.length });
  }

  /** {@link read} at once. */
  readNow(offset: number, length: number): Uint8Array {
    const buffer = this.#room(offset, length);
    const cut = transfer(buffer, (part, at) => this.#file.pread(part, this.#place(offset + at)));
    this.#whole('pread', cut, { offset, length });
    return buffer;
  }

  /** {@link write} at once. */
  writeNow(offset: number, bytes: Uint8Array): void {
    checkPiece({ offset, length: bytes.length }, this.#info.size, this.#what);
    const cut = transfer(bytes, (part, at) => this.#file.pwrite(part, this.#place(offset + at)));
    this.#whole('pwrite', cut, { offset, length: bytes.length });
  }

  #room(offset: number, length: number): Uint8Array {
    checkPiece({ offset, length }, this.#info.size, this.#what);
    return new Uint8Array(length);
  }

  #place(offset: number): bigint {
    return this.#info.offset + BigInt(offset);
  }

  #whole(call: string, cut: Cut | undefined, piece: Readonly<Record<string, Plain>>): void {
    if (cut === undefined) return;
    const context = { ...this.#file.context, what: this.#what, ...piece, done: cut.done };
    if (cut.errno === 0) throw shortTransfer(call, cut.done, context);
    throw refusedCall(`${call} of ${this.#what}`, cut.errno, context, MEANINGS);
  }
}

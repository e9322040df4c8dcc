import { MSIX_ENTRY, MSIX_ENTRY_MASKED } from '@pci-recovery/pci';

const ENTRY_DWORDS = MSIX_ENTRY.LENGTH / 4;
const CONTROL_DWORD = MSIX_ENTRY.VECTOR_CONTROL / 4;
/** Where the message of the configured vector n goes: the local APIC (x86). */
const MESSAGE_ADDRESS = 0xfee0_0000;
const FIRST_DATA = 0x4021;

/** The MSI-X table and pending bits of a function, in its device memory (PCIe r6.1 §6.1.4.2). */
export class VectorTable {
  readonly #entries: Uint32Array;
  readonly #pendingDwords: number;

  constructor(
    /** 1–2048. */
    readonly vectors: number,
    /** BAR of the table and byte offset in it. */
    readonly table: { readonly bar: number; readonly offset: number },
    /** BAR of the pending bits and byte offset in it. They are never set here. */
    readonly pending: { readonly bar: number; readonly offset: number },
  ) {
    this.#entries = new Uint32Array(vectors * ENTRY_DWORDS);
    this.#pendingDwords = Math.ceil(vectors / 64) * 2;
    this.clear();
  }

  /** What any reset does: messages lost, every vector masked (R5.1). */
  clear(): void {
    this.#entries.fill(0);
    for (let n = 0; n < this.vectors; n++) this.#entries[n * ENTRY_DWORDS + CONTROL_DWORD] = MSIX_ENTRY_MASKED;
  }

  /** What a driver does: a message and no mask for every vector. */
  configure(): void {
    for (let n = 0; n < this.vectors; n++) {
      this.#entries.set([MESSAGE_ADDRESS, 0, FIRST_DATA + n, 0], n * ENTRY_DWORDS);
    }
  }

  /** The dword at a byte offset of a BAR; undefined where neither table nor pending bits are. */
  read(bar: number, offset: number): number | undefined {
    const index = this.#index(bar, offset);
    if (index !== undefined) return this.#entries[index]!;
    const pending = (offset - this.pending.offset) >> 2;
    return bar === this.pending.bar && pending >= 0 && pending < this.#pendingDwords ? 0 : undefined;
  }

  /** False where no table is. */
  write(bar: number, offset: number, value: number): boolean {
    const index = this.#index(bar, offset);
    if (index === undefined) return false;
    this.#entries[index] = (index & 3) === CONTROL_DWORD ? value & MSIX_ENTRY_MASKED : value;
    return true;
  }

  #index(bar: number, offset: number): number | undefined {
    const index = (offset - this.table.offset) >> 2;
    return bar === this.table.bar && index >= 0 && index < this.#entries.length ? index : undefined;
  }
}

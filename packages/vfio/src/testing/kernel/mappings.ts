import { type Mapping } from '../../seam/syscalls.js';
import { type Mappable } from './open-file.js';
import { errno } from './outcome.js';
import { type UserMemory } from './user-memory.js';

interface Mapped {
  readonly view: Uint8Array;
  readonly source: Mappable | undefined;
  /** What it held after the last call: what differs was stored by the program. */
  readonly seen: Uint8Array;
  pins: number;
}

/**
 * The mappings of one process. JavaScript has no two buffers that share memory, so device memory is carried to and fro at
 * every call into the kernel: stores of the program arrive with its next call, and it sees the device as of its last
 * one. Nothing else runs in between.
 */
export class Mappings {
  readonly #memory: UserMemory;
  readonly #mapped = new Map<ArrayBuffer, Mapped>();

  constructor(memory: UserMemory) {
    this.#memory = memory;
  }

  /** How many there are. */
  get count(): number {
    return this.#mapped.size;
  }

  add(length: number, source: Mappable | undefined): Mapping {
    const memory = new ArrayBuffer(length);
    const view = new Uint8Array(memory);
    source?.load(view);
    this.#mapped.set(memory, { view, source, seen: source ? view.slice() : new Uint8Array(), pins: 0 });
    return { memory, address: this.#memory.place(memory) };
  }

  /** Detaches it. EINVAL: none of ours, or gone; EBUSY: a call in the background uses it. */
  remove(memory: ArrayBuffer): number {
    const mapped = this.#mapped.get(memory);
    if (!mapped) return errno('EINVAL');
    if (mapped.pins > 0) return errno('EBUSY');
    this.#mapped.delete(memory);
    structuredClone(memory, { transfer: [memory] });
    return 0;
  }

  /** Keeps the mapping behind a view, if it is one, until the result is called. */
  pin(view: Uint8Array | undefined): () => void {
    const mapped = view && this.#mapped.get(view.buffer as ArrayBuffer);
    if (mapped) mapped.pins++;
    return () => void (mapped && mapped.pins--);
  }

  /** Takes what the program stored to its devices. */
  collect(): void {
    for (const { view, source, seen } of this.#mapped.values()) {
      if (!source) continue;
      for (let at = 0; at < view.byteLength; at++) {
        if (view[at] === seen[at]) continue;
        let end = at + 1;
        while (end < view.byteLength && view[end] !== seen[end]) end++;
        source.store(at, view.subarray(at, end));
        at = end;
      }
    }
  }

  /** Shows the program what its devices hold. */
  publish(): void {
    for (const { view, source, seen } of this.#mapped.values()) {
      if (!source) continue;
      source.load(view);
      seen.set(view);
    }
  }

  /** The process is gone. */
  clear(): void {
    this.#mapped.clear();
  }
}

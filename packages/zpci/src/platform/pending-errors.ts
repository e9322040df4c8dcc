/** Records that are kept for the holder of a function (Linux 7.3 arch/s390/include/asm/pci.h:ZPCI_ERR_PENDING_MAX). */
export const MOST_PENDING = 4;

/** What became of a record. `full`: it was dropped, the older ones stay. `not_mediated`: nobody holds the function. */
export type Storage = 'stored' | 'full' | 'not_mediated';

/**
 * The errors of one function that its holder has not read yet: four at most, first in first out; when it is full the
 * newest is dropped and recovery stays the holder's (R2.3).
 *
 * Source: Linux 7.3 arch/s390/pci/pci_event.c:zpci_store_pci_error, zpci_get_pending_error.
 */
export class PendingErrors {
  #mediated = false;
  #records: Uint8Array[] = [];
  #dropped = 0;

  /** Somebody holds the function through VFIO. */
  get mediated(): boolean {
    return this.#mediated;
  }

  get count(): number {
    return this.#records.length;
  }

  /** How many were dropped because it was full, since it was opened. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Linux 7.3 pci_event.c:zpci_start_mediated_recovery. */
  start(): void {
    this.#mediated = true;
  }

  /** Forgets everything. @returns how many records nobody has read. */
  stop(): number {
    const unread = this.#records.length;
    this.#mediated = false;
    this.#records = [];
    this.#dropped = 0;
    return unread;
  }

  /** Keeps a copy of a record. */
  store(record: Uint8Array): Storage {
    if (!this.#mediated) return 'not_mediated';
    if (this.#records.length >= MOST_PENDING) {
      this.#dropped++;
      return 'full';
    }
    this.#records.push(new Uint8Array(record));
    return 'stored';
  }

  /** Takes the oldest record out; undefined when there is none (ENOMSG). */
  next(): Uint8Array | undefined {
    return this.#records.shift();
  }
}

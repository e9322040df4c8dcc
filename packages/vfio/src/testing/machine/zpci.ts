import { type ZpciDescription } from './description.js';
import { type PciFunction } from './pci-function.js';

/** Records that wait for user space, at most (arch/s390/include/asm/pci.h:ZPCI_ERR_PENDING_MAX). */
export const MOST_PENDING = 4;

/** A function of s390: what firmware and the kernel know of it. */
export class Zpci {
  readonly subject: PciFunction;
  readonly fid: number;
  readonly uid: number;
  readonly description: ZpciDescription;
  fh: number;
  /** VFIO holds it open: the host leaves recovery to user space (R2.5). */
  mediated = false;
  channel: 'normal' | 'frozen' | 'perm_failure' = 'normal';
  #pending: Uint8Array[] = [];
  /** Records that found the queue full. */
  dropped = 0;
  /** Events with another handle than the function has (R2.2). */
  stale = 0;
  /** Records that were left when the device was closed. */
  unhandled = 0;

  constructor(subject: PciFunction, description: ZpciDescription) {
    this.subject = subject;
    this.description = description;
    this.fid = description.fid;
    this.uid = description.uid ?? description.fid;
    this.fh = description.fh ?? (0x8002_0000 | description.fid) >>> 0;
  }

  get pending(): number {
    return this.#pending.length;
  }

  /** Whether recovery is mediated, and so the record kept: also when the queue is full and it is dropped (R2.3). */
  store(record: Uint8Array): boolean {
    if (!this.mediated) return false;
    if (this.#pending.length >= MOST_PENDING) this.dropped++;
    else this.#pending.push(record.slice());
    return true;
  }

  /** The oldest record, which is gone then. */
  take(): Uint8Array | undefined {
    return this.#pending.shift();
  }

  /** Closed: what is left is counted and forgotten (arch/s390/pci/pci_event.c:zpci_stop_mediated_recovery). */
  stopMediation(): void {
    this.mediated = false;
    this.unhandled += this.#pending.length;
    this.#pending = [];
  }
}

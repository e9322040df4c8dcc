import { type Bdf } from '@pci-recovery/core';
import { type AerTraceEvent } from '@pci-recovery/core/linux';

/** So many traced errors are kept until somebody asks for them; older ones concern nobody. */
const MOST = 256;

/** Uncorrectable errors that the kernel traced, until the signal that belongs to them comes. */
export class TraceMemory {
  #kept: AerTraceEvent[] = [];

  keep(event: AerTraceEvent): void {
    this.#kept.push(event);
    if (this.#kept.length > MOST) this.#kept = this.#kept.slice(-MOST);
  }

  /** Takes those of some functions, in order. */
  take(sources: ReadonlySet<Bdf>): readonly AerTraceEvent[] {
    const taken = this.#kept.filter(({ bdf }) => sources.has(bdf));
    if (taken.length > 0) this.#kept = this.#kept.filter(({ bdf }) => !sources.has(bdf));
    return taken;
  }
}

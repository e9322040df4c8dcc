import { type Bdf } from '@pci-recovery/core';
import { type Detection } from './errors/detection.js';

/** What every fault may say: how often it strikes before it is over. Default: for ever. */
interface Times {
  readonly times?: number;
}

/** What goes wrong in hardware, by script. `bdf` in any form that `parseBdf` reads. */
export type HardwareFault =
  /** After a reset the function never answers. */
  | ({ readonly fault: 'never_ready'; readonly bdf: string } & Times)
  /** After a reset it answers only that many milliseconds later. */
  | ({ readonly fault: 'ready_after'; readonly bdf: string; readonly ms: number } & Times)
  /** The link below this port does not come up after a reset. */
  | ({ readonly fault: 'link_stays_down'; readonly bdf: string } & Times)
  /** The reset bit is written and nothing happens: below a bridge, or to the function itself. */
  | ({ readonly fault: 'reset_ignored'; readonly bdf: string } & Times)
  /** Gone as the nth access from now on (1: the next) reaches it. `noticed`: it leaves the topology too. */
  | { readonly fault: 'removed_at_access'; readonly bdf: string; readonly access: number; readonly noticed?: boolean }
  /** Gone as the nth reset from now on (1: the next) reaches it. `noticed`: it leaves the topology too. */
  | { readonly fault: 'removed_at_reset'; readonly bdf: string; readonly reset: number; readonly noticed?: boolean }
  /** From the nth access on (1: the next) every read gives all ones and writes are lost, for `times` accesses. */
  | ({ readonly fault: 'silent_from_access'; readonly bdf: string; readonly access: number } & Times)
  /** Bits of a dword at a byte offset that writing does not clear, nor change. */
  | ({ readonly fault: 'stuck_bits'; readonly bdf: string; readonly offset: number; readonly bits: number } & Times)
  /** It detects an error as soon as it is ready after a reset. */
  | ({ readonly fault: 'error_when_ready'; readonly bdf: string; readonly detection: Detection } & Times)
  /** Its error messages get lost. */
  | ({ readonly fault: 'message_lost'; readonly bdf: string } & Times)
  /** The root's interrupt does not arrive; its status stays. */
  | ({ readonly fault: 'interrupt_lost'; readonly bdf: string } & Times);

export type FaultKind = HardwareFault['fault'];
export type FaultOf<K extends FaultKind> = Extract<HardwareFault, { fault: K }>;

/** Faults that are looked for at every access. */
const AT_ACCESS: ReadonlySet<FaultKind> = new Set(['removed_at_access', 'silent_from_access', 'stuck_bits']);

interface Entry {
  readonly bdf: Bdf;
  readonly fault: HardwareFault;
  left: number;
  /** Accesses or resets still to come before it strikes. */
  countdown: number;
}

/** The script: what is to go wrong, and how often it still will. */
export class FaultBook {
  #entries: Entry[] = [];

  add(bdf: Bdf, fault: HardwareFault): Disposable {
    const countdown = 'access' in fault ? fault.access : 'reset' in fault ? fault.reset : 0;
    const once = fault.fault === 'removed_at_access' || fault.fault === 'removed_at_reset';
    const left = once ? 1 : (fault.times ?? Infinity);
    const entry: Entry = { bdf, fault, left, countdown };
    this.#entries.push(entry);
    return { [Symbol.dispose]: () => void (this.#entries = this.#entries.filter((other) => other !== entry)) };
  }

  /** Whether accesses to a function have to be looked at. */
  watches(bdf: Bdf): boolean {
    return this.#entries.some((entry) => entry.bdf === bdf && AT_ACCESS.has(entry.fault.fault));
  }

  /** The first fault of a kind for a function, used once. */
  strike<K extends FaultKind>(kind: K, bdf: Bdf): FaultOf<K> | undefined {
    const entry = this.#find(kind, bdf);
    if (entry) this.#use(entry);
    return entry?.fault as FaultOf<K> | undefined;
  }

  /** The first fault of a kind for a function that counts events, when this event is its turn. */
  countDown<K extends FaultKind>(kind: K, bdf: Bdf): FaultOf<K> | undefined {
    const entry = this.#find(kind, bdf);
    if (!entry || --entry.countdown > 0) return undefined;
    this.#use(entry);
    return entry.fault as FaultOf<K>;
  }

  /** All bits of the dword at a byte offset that are stuck. */
  stuckBits(bdf: Bdf, offset: number): number {
    let bits = 0;
    for (const entry of this.#entries) {
      const { fault } = entry;
      if (entry.bdf !== bdf || fault.fault !== 'stuck_bits' || (fault.offset & ~3) !== offset) continue;
      bits |= fault.bits;
      this.#use(entry);
    }
    return bits;
  }

  #find(kind: FaultKind, bdf: Bdf): Entry | undefined {
    return this.#entries.find((entry) => entry.bdf === bdf && entry.fault.fault === kind);
  }

  #use(entry: Entry): void {
    if (--entry.left <= 0) this.#entries = this.#entries.filter((other) => other !== entry);
  }
}

import {
  bdfParts,
  parseBdf,
  PciRecoveryError,
  wait,
  type Bdf,
  type Clock,
  type DeviceRef,
  type Severity,
} from '@pci-recovery/core';
import { type WitnessFact } from '@pci-recovery/conformance';
import { type GhesPort } from './platform.js';
import { encodeRecord } from './record.js';

/** The slots of the machines that can be simulated, by the names of their functions. */
const MACHINES: Readonly<Record<string, readonly (readonly string[])[]>> = {
  single: [['a']],
  pair: [['a', 'b']],
  triple: [['a', 'b', 'c']],
  disjoint: [['a'], ['b'], ['c']],
};

type Incident = Extract<Severity, 'nonfatal' | 'fatal' | 'correctable'>;

/** Simulated slots with firmware. What happens on them is noted, independently of the platform: the witness. */
export class GhesMachine implements GhesPort {
  readonly functions: Readonly<Record<string, Bdf>>;
  readonly slots: readonly (readonly DeviceRef[])[];
  readonly facts: WitnessFact[] = [];
  readonly #clock: Clock;
  readonly #ring: Uint8Array[] = [];
  readonly #breaks = new Map<string, number>();
  #wake: (() => void) | undefined;

  /** @throws PciRecoveryError `ERR_PCI_GHES_MACHINE` when there is no machine of that name. */
  constructor(name: string, clock: Clock) {
    const slots = MACHINES[name];
    if (!slots) throw new PciRecoveryError('ERR_PCI_GHES_MACHINE', `There is no machine "${name}".`);
    this.#clock = clock;
    const address = (slot: number, fn: number): Bdf =>
      parseBdf(`0000:${(slot + 1).toString(16).padStart(2, '0')}:00.${fn}`);
    this.slots = slots.map((names, slot) => names.map((_, fn) => ({ bdf: address(slot, fn), generation: 0 })));
    this.functions = Object.fromEntries(
      slots.flatMap((names, slot) => names.map((one, fn) => [one, address(slot, fn)] as const)),
    );
  }

  /** @throws PciRecoveryError `ERR_PCI_GHES_MACHINE` when there is no such incident or function. */
  inject(incident: string, at: string): void {
    const bdf = this.functions[at];
    const known = ['nonfatal', 'fatal', 'correctable'].includes(incident);
    if (!bdf || !known) throw new PciRecoveryError('ERR_PCI_GHES_MACHINE', `No "${incident}" error at "${at}".`);
    this.report(encodeRecord(incident as Incident, bdfParts(bdf)));
  }

  report(record: Uint8Array): void {
    this.#ring.push(record);
    this.#wake?.();
  }

  /** @throws PciRecoveryError `ERR_PCI_GHES_MACHINE` when that cannot be broken. */
  breakNext(act: string, times: number): void {
    if (act !== 'reset' && act !== 'open_access') {
      throw new PciRecoveryError('ERR_PCI_GHES_MACHINE', `"${act}" cannot be broken.`);
    }
    this.#breaks.set(act, times);
  }

  async nextRecord(signal: AbortSignal): Promise<Uint8Array | undefined> {
    while (!signal.aborted && this.#ring.length === 0) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#wake = wake;
        signal.addEventListener('abort', wake);
      });
    }
    return signal.aborted ? undefined : this.#ring.shift();
  }

  async resetSlot(functions: readonly Bdf[]): Promise<boolean> {
    this.facts.push({ kind: 'reset_begin', functions, time: this.#clock.monotonic() });
    await wait(this.#clock, 250);
    const ok = !this.#fails('reset');
    this.facts.push({ kind: 'reset_end', ok, functions, time: this.#clock.monotonic() });
    return ok;
  }

  openAccess(functions: readonly Bdf[]): boolean {
    if (this.#fails('open_access')) return false;
    this.facts.push({ kind: 'access_enabled', functions, time: this.#clock.monotonic() });
    return true;
  }

  #fails(act: string): boolean {
    const left = this.#breaks.get(act) ?? 0;
    this.#breaks.set(act, Math.max(0, left - 1));
    return left > 0;
  }
}

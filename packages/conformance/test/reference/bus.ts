import { parseBdf, PciRecoveryError, wait, type Bdf, type Clock } from '@pci-recovery/core';
import { type WitnessFact } from '../../src/index.js';
import { type Place } from './topology.js';

/** Error status of a function. */
export type ErrorStatus = 'device' | 'nonfatal' | 'fatal';

/** A slot of the reference machine. */
export interface Slot extends Place {
  readonly bdf: Bdf;
  generation: number;
  present: boolean;
  /** A fatal error has stopped it. */
  stopped: boolean;
  /** Error status that is set: a reset takes `device` away, the others outlast it. */
  readonly status: Set<ErrorStatus>;
  /** Its driver has set it up; a reset takes that away. */
  ready: boolean;
  /** How often it had which error. */
  readonly counted: Record<string, number>;
}

type NewFact = WitnessFact extends infer F ? (F extends WitnessFact ? Omit<F, 'time' | 'functions'> : never) : never;

/** Simulated hardware with an honest memory: nothing on it happens without being noted here. */
export class ReferenceBus {
  readonly clock: Clock;
  readonly slots: readonly Slot[];
  readonly facts: WitnessFact[] = [];
  /** Reports that nobody has taken yet: bytes, as hardware gives them. */
  readonly reports: Uint8Array[] = [];
  /** Descriptors that are open. */
  descriptors = 3;
  readonly #breaks = new Map<string, number>();
  #listener: (() => void) | undefined;

  constructor(clock: Clock, places: readonly Place[]) {
    this.clock = clock;
    this.slots = places.map((place, index) => ({
      ...place,
      bdf: parseBdf(`0000:0${index}:00.0`),
      generation: 0,
      present: true,
      stopped: false,
      status: new Set(),
      ready: false,
      counted: {},
    }));
  }

  slot(bdf: Bdf): Slot | undefined {
    return this.slots.find((slot) => slot.bdf === bdf);
  }

  named(name: string): Slot {
    const slot = this.slots.find((one) => one.name === name);
    if (!slot) throw new PciRecoveryError('ERR_PCI_REFERENCE', `There is no function "${name}".`);
    return slot;
  }

  note(fact: NewFact, ...functions: Bdf[]): void {
    this.facts.push({ ...fact, functions, time: this.clock.monotonic() });
  }

  /** A function has an error: what it shows of it, and the report of it. */
  strike(incident: string, at: string): void {
    const { status, counted, bdf } = this.named(at);
    counted[incident] = (counted[incident] ?? 0) + 1;
    status.add('device');
    if (incident === 'fatal') this.named(at).stopped = true;
    if (incident === 'nonfatal' || incident === 'fatal') status.add(incident);
    this.report(new TextEncoder().encode(JSON.stringify({ incident, bdf })));
  }

  report(bytes: Uint8Array): void {
    this.reports.push(bytes);
    this.#listener?.();
  }

  /** Calls back once, at the next report or at an abort. */
  heard(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const heard = (): void => {
        signal.removeEventListener('abort', heard);
        resolve();
      };
      this.#listener = heard;
      signal.addEventListener('abort', heard);
      if (signal.aborted || this.reports.length > 0) heard();
    });
  }

  breakNext(act: string, times: number): void {
    this.#breaks.set(act, times);
  }

  /** Clears error status; there is nothing to see where none is set. */
  clearStatus(bdf: Bdf, ...kinds: readonly ErrorStatus[]): void {
    const status = this.slot(bdf)?.status;
    const cleared = kinds.filter((kind) => status?.delete(kind));
    if (cleared.length > 0) this.note({ kind: 'status_cleared' }, bdf);
  }

  /** A reset takes the error status away that does not outlast it, and lets go what was stopped. */
  #restart(slot: Slot | undefined): void {
    slot?.status.delete('device');
    if (slot) Object.assign(slot, { stopped: false, ready: false });
  }

  /** Resets functions, by their bus or in another way; false: they do not answer after it. */
  async reset(functions: readonly Bdf[], how = 'bus'): Promise<boolean> {
    this.note({ kind: 'reset_begin', how }, ...functions);
    await wait(this.clock, 100);
    for (const bdf of functions) this.#restart(this.slot(bdf));
    const left = this.#breaks.get('reset') ?? 0;
    this.#breaks.set('reset', Math.max(0, left - 1));
    const ok = left === 0 && functions.every((bdf) => this.slot(bdf)?.present);
    this.note({ kind: 'reset_end', ok }, ...functions);
    return ok;
  }
}

import { type Bdf } from '@pci-recovery/core';
import { type SimulatedZpci, type ZpciFact } from '@pci-recovery/zpci/sim';
import { type WitnessFact } from '@pci-recovery/conformance';

/** Responses and condition codes of firmware that say success. */
const SUCCESS: ReadonlySet<number> = new Set([0, 0x0010]);

/** Calls that belong to a reset once the function is disabled. */
const RESETTING: ReadonlySet<string> = new Set(['enable', 'enable_mio', 'register_interrupts', 'register_translation']);

/**
 * Reads the simulated machine's log as the facts that the suite knows. It looks at the log only, never at what engine or
 * platform say. A reset begins when a function is disabled, and ends when its translation is registered again.
 */
export class ZpciWitness {
  readonly #hardware: SimulatedZpci;
  readonly #facts: WitnessFact[] = [];
  /** Functions that are being reset. */
  readonly #open = new Set<Bdf>();
  #read = 0;

  constructor(hardware: SimulatedZpci) {
    this.#hardware = hardware;
  }

  facts(): readonly WitnessFact[] {
    const { log } = this.#hardware;
    for (; this.#read < log.length; this.#read++) {
      const fact = log[this.#read]!;
      if (fact.bdf !== undefined) this.#translate(fact, fact.bdf);
    }
    return this.#facts;
  }

  #translate(fact: ZpciFact, bdf: Bdf): void {
    const told = { time: fact.time, functions: [bdf] };
    switch (fact.kind) {
      case 'load_store_unblocked':
        return void this.#facts.push({ ...told, kind: 'access_enabled' });
      case 'dma_unblocked':
        return void this.#facts.push({ ...told, kind: 'dma_enabled' });
      case 'disabled':
      case 'enabled':
        return this.#begin(bdf, fact.time);
      case 'translation_registered':
        return this.#end(bdf, fact.time, true);
      case 'firmware_call':
        if (RESETTING.has(fact.call) && !SUCCESS.has(fact.answer)) this.#end(bdf, fact.time, false);
        return;
      case 'uevent':
        return void this.#facts.push({ ...told, kind: 'uevent', event: fact.event });
      case 'state':
        return this.#changed(fact.from, fact.to, told);
      default:
        return;
    }
  }

  #begin(bdf: Bdf, time: number): void {
    if (this.#open.has(bdf)) return;
    this.#open.add(bdf);
    this.#facts.push({ time, functions: [bdf], kind: 'reset_begin', how: 'function' });
  }

  #end(bdf: Bdf, time: number, ok: boolean): void {
    if (this.#open.delete(bdf)) this.#facts.push({ time, functions: [bdf], kind: 'reset_end', ok });
  }

  #changed(from: string, to: string, told: { readonly time: number; readonly functions: readonly Bdf[] }): void {
    if (from === 'configured') this.#facts.push({ ...told, kind: 'removed' });
    if (to === 'configured') this.#facts.push({ ...told, kind: 'added' });
  }
}

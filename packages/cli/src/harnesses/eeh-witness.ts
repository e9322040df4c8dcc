import { type Bdf } from '@pci-recovery/core';
import { type EehFact, type SimulatedEehHardware } from '@pci-recovery/eeh/sim';
import { type WitnessFact } from '@pci-recovery/conformance';

/** Functions that leave or come at one moment. */
interface Moving {
  readonly kind: 'removed' | 'added';
  readonly time: number;
  readonly functions: Bdf[];
}

/**
 * Reads the simulated machine's log as the facts that the suite knows. It looks at the log only, never at what engine or
 * platform say. Functions that leave, or come, at one moment are one fact.
 */
export class EehWitness {
  readonly #hardware: SimulatedEehHardware;
  readonly #facts: WitnessFact[] = [];
  #moving: Moving | undefined;
  #read = 0;

  constructor(hardware: SimulatedEehHardware) {
    this.#hardware = hardware;
  }

  facts(): readonly WitnessFact[] {
    const { log } = this.#hardware;
    for (; this.#read < log.length; this.#read++) this.#translate(log[this.#read]!);
    this.#settle();
    return this.#facts;
  }

  #translate(fact: EehFact): void {
    const { time, functions } = fact;
    if (fact.kind === 'removed' || fact.kind === 'added') return this.#move(fact.kind, time, functions);
    this.#settle();
    switch (fact.kind) {
      case 'reset_begin':
        return void this.#facts.push({ time, functions, kind: 'reset_begin', how: fact.reset });
      case 'reset_end':
        return void this.#facts.push({ time, functions, kind: 'reset_end', ok: fact.ok });
      case 'thawed':
        return void this.#facts.push({
          time,
          functions,
          kind: fact.what === 'mmio' ? 'access_enabled' : 'dma_enabled',
        });
      case 'uevent':
        return void this.#facts.push({ time, functions, kind: 'uevent', event: fact.event });
      default:
        return;
    }
  }

  #move(kind: Moving['kind'], time: number, functions: readonly Bdf[]): void {
    if (this.#moving?.kind !== kind || this.#moving.time !== time) {
      this.#settle();
      this.#moving = { kind, time, functions: [] };
    }
    this.#moving.functions.push(...functions);
  }

  #settle(): void {
    if (this.#moving) this.#facts.push(this.#moving);
    this.#moving = undefined;
  }
}

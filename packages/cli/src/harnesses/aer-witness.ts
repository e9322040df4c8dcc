import { type Bdf } from '@pci-recovery/core';
import { type BusFact, type SimulatedHardware } from '@pci-recovery/aer/sim';
import { type WitnessFact } from '@pci-recovery/conformance';

/** A secondary bus reset under way. */
interface OpenReset {
  readonly port: Bdf;
  readonly functions: Bdf[];
  /** Those of them that do not answer yet. */
  readonly awaited: Set<Bdf>;
  begun: boolean;
  /** Reset was let go, and the link is not up. */
  released: boolean;
}

/**
 * Reads the simulated machine's bus log as the facts that the suite knows. It looks at the log only, never at what engine
 * or platform say.
 */
export class AerWitness {
  readonly #hardware: SimulatedHardware;
  readonly #facts: WitnessFact[] = [];
  #open: OpenReset[] = [];
  #read = 0;

  constructor(hardware: SimulatedHardware) {
    this.#hardware = hardware;
  }

  facts(): readonly WitnessFact[] {
    const { log } = this.#hardware;
    const since = this.#read;
    for (; this.#read < log.length; this.#read++) this.#translate(log[this.#read]!);
    if (this.#read > since) this.#settle(log[this.#read - 1]!.time);
    return this.#facts;
  }

  #translate(fact: BusFact): void {
    const { time, bdf } = fact;
    switch (fact.kind) {
      case 'secondary_bus_reset_asserted':
        this.#open.push({ port: bdf, functions: [], awaited: new Set(), begun: false, released: false });
        break;
      case 'function_reset':
        if (fact.cause === 'secondary_bus_reset') this.#reset(bdf);
        break;
      case 'secondary_bus_reset_deasserted':
        this.#release(bdf, time);
        break;
      case 'link_up':
        for (const reset of this.#open) if (reset.port === bdf) reset.released = false;
        break;
      case 'ready':
        this.#ready(bdf, time);
        break;
      case 'status_cleared':
        if (fact.register !== 'ROOT_STATUS') this.#facts.push({ time, functions: [bdf], kind: 'status_cleared' });
        break;
      case 'uevent':
        this.#facts.push({ time, functions: [bdf], kind: 'uevent', event: fact.event });
        break;
      case 'removed':
        this.#facts.push({ time, functions: [bdf], kind: 'removed' });
        break;
      case 'plugged':
        this.#facts.push({ time, functions: [bdf], kind: 'added' });
        break;
      default:
        break;
    }
  }

  #reset(bdf: Bdf): void {
    const reset = this.#open.at(-1);
    reset?.functions.push(bdf);
    reset?.awaited.add(bdf);
  }

  #begin(reset: OpenReset, time: number): void {
    if (reset.begun) return;
    reset.begun = true;
    this.#facts.push({ time, functions: [...reset.functions], kind: 'reset_begin', how: 'bus' });
  }

  #release(port: Bdf, time: number): void {
    const reset = this.#open.find((one) => one.port === port);
    if (!reset) return;
    this.#begin(reset, time);
    reset.released = true;
  }

  #ready(bdf: Bdf, time: number): void {
    for (const reset of this.#open) {
      reset.awaited.delete(bdf);
      if (reset.begun && reset.awaited.size === 0) this.#end(reset, time, true);
    }
  }

  /** A reset that was let go without its link coming up has failed: links here come up at once or not at all. */
  #settle(time: number): void {
    for (const reset of [...this.#open]) {
      this.#begin(reset, time);
      if (reset.released) this.#end(reset, time, false);
    }
  }

  #end(reset: OpenReset, time: number, ok: boolean): void {
    this.#open = this.#open.filter((one) => one !== reset);
    this.#facts.push({ time, functions: [...reset.functions], kind: 'reset_end', ok });
  }
}

import { type WitnessFact } from '@pci-recovery/conformance';
import { parseBdf, type Bdf, type Clock } from '@pci-recovery/core';
import { type PciUevent } from '@pci-recovery/core/linux';

const LINK_RESET = /(\S+): AER: Root Port link has been reset \((-?\d+)\)/;
/** drivers/pci/pci.c:pci_dev_save_and_disable, pci_dev_restore: every other reset of a function that has a driver. */
const RESETTING = /^vfio-pci (\S+): (resetting|reset done)$/;

/**
 * What the kernel's log and uevents tell of resets, as the suite's facts. Functions whose reset begins before the first of them is done
 * are reset together.
 */
export class KernelWitness {
  readonly #clock: Clock;
  /** Port → the functions below it. */
  readonly #below: ReadonlyMap<Bdf, readonly Bdf[]>;
  readonly #facts: WitnessFact[] = [];
  #begun: Bdf[] = [];
  #awaited = 0;

  constructor(clock: Clock, below: ReadonlyMap<Bdf, readonly Bdf[]>) {
    this.#clock = clock;
    this.#below = below;
  }

  get facts(): readonly WitnessFact[] {
    return this.#facts;
  }

  /** A line of the kernel's log. */
  logged(line: string): void {
    const [, port, result] = LINK_RESET.exec(line) ?? [];
    if (port !== undefined) this.#linkReset(this.#below.get(parseBdf(port)) ?? [], Number(result) === 0);
    const [, bdf, what] = RESETTING.exec(line) ?? [];
    if (bdf === undefined) return;
    if (what === 'resetting') this.#begin(parseBdf(bdf));
    else this.#done();
  }

  uevent(uevent: PciUevent): void {
    if (uevent.kind !== 'error_event') return;
    this.#facts.push({ ...this.#at([uevent.bdf]), kind: 'uevent', event: uevent.event });
  }

  #linkReset(functions: readonly Bdf[], ok: boolean): void {
    const at = this.#at(functions);
    this.#facts.push({ ...at, kind: 'reset_begin', how: 'link', byMachine: true }, { ...at, kind: 'reset_end', ok });
  }

  #begin(bdf: Bdf): void {
    this.#begun.push(bdf);
    this.#awaited++;
  }

  #done(): void {
    if (this.#awaited === 0 || --this.#awaited > 0) return;
    const at = this.#at(this.#begun.splice(0));
    this.#facts.push({ ...at, kind: 'reset_begin', how: 'hot' }, { ...at, kind: 'reset_end', ok: true });
  }

  #at(functions: readonly Bdf[]): { readonly time: number; readonly functions: readonly Bdf[] } {
    return { time: this.#clock.monotonic(), functions };
  }
}

import { PciRecoveryError, type Bdf, type Stoppable } from '@pci-recovery/core';

/**
 * Interrupts on their way to their one consumer. What is raised while nobody listens is kept; a port's interrupt that is
 * raised again before it was taken is one, like an MSI that is pending.
 */
export class InterruptLine {
  readonly #pending = new Set<Bdf>();
  #wake: (() => void) | undefined;
  #taken = false;

  raise(bdf: Bdf): void {
    this.#pending.add(bdf);
    this.#wake?.();
  }

  /**
   * Yields the ports whose interrupt is raised, in the order of raising, until `signal` aborts.
   * @throws PciRecoveryError `ERR_PCI_SIM_INTERRUPTS_TAKEN` while another consumer listens.
   */
  async *listen({ signal }: Stoppable): AsyncGenerator<Bdf, void, void> {
    if (this.#taken) {
      throw new PciRecoveryError(
        'ERR_PCI_SIM_INTERRUPTS_TAKEN',
        'Interrupts have one consumer: end the other one first.',
      );
    }
    this.#taken = true;
    const wake = (): void => this.#wake?.();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        const [next] = this.#pending;
        if (next === undefined) await this.#raised();
        else {
          this.#pending.delete(next);
          yield next;
        }
      }
    } finally {
      signal.removeEventListener('abort', wake);
      this.#taken = false;
    }
  }

  #raised(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

import { PciRecoveryError, type Stoppable } from '@pci-recovery/core';

/** The machine's one error interrupt. What is raised while nobody listens is kept, and is one. */
export class InterruptLine {
  #raised = false;
  #wake: (() => void) | undefined;
  #taken = false;

  raise(): void {
    this.#raised = true;
    this.#wake?.();
  }

  /**
   * Yields whenever the interrupt was raised, until `signal` aborts.
   * @throws PciRecoveryError `ERR_PCI_SIM_INTERRUPTS_TAKEN` while another consumer listens.
   */
  async *listen({ signal }: Stoppable): AsyncGenerator<void, void, void> {
    if (this.#taken) {
      throw new PciRecoveryError(
        'ERR_PCI_SIM_INTERRUPTS_TAKEN',
        'The error interrupt has one consumer: end the other one first.',
      );
    }
    this.#taken = true;
    const wake = (): void => this.#wake?.();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        if (this.#raised) {
          this.#raised = false;
          yield;
        } else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', wake);
      this.#taken = false;
    }
  }
}

import { PciRecoveryError, type Stoppable } from '@pci-recovery/core';
import { type ZpciNotification } from '../../port.js';

/** Notifications on their way to their one consumer, in order. What is raised while nobody listens is kept. */
export class NotificationLine {
  #pending: ZpciNotification[] = [];
  #wake: (() => void) | undefined;
  #taken = false;

  raise(notification: ZpciNotification): void {
    this.#pending.push(notification);
    this.#wake?.();
  }

  /**
   * Yields notifications until `signal` aborts.
   * @throws PciRecoveryError `ERR_PCI_SIM_NOTIFICATIONS_TAKEN` while another consumer listens.
   */
  async *listen({ signal }: Stoppable): AsyncGenerator<ZpciNotification, void, void> {
    if (this.#taken) {
      throw new PciRecoveryError(
        'ERR_PCI_SIM_NOTIFICATIONS_TAKEN',
        'Notifications have one consumer: end the other one first.',
      );
    }
    this.#taken = true;
    const wake = (): void => this.#wake?.();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        const next = this.#pending.shift();
        if (next) yield next;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', wake);
      this.#wake = undefined;
      this.#taken = false;
    }
  }
}

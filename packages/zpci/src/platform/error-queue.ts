import { EventQueue, type Next } from '@pci-recovery/core';
import { type ZpciEvent } from '../record.js';

/**
 * Errors on their way to the engine, in order. Beyond core's queue it knows when all of them were taken, since a function
 * must not change before the recoveries of its earlier errors have begun, or wait.
 */
export class ErrorQueue extends EventQueue<ZpciEvent> {
  /** The consumer has not come back for more since the last event was given out. */
  #busy = false;
  #idle: (() => void)[] = [];

  override push(event: ZpciEvent): void {
    this.#busy = true;
    super.push(event);
  }

  override take(): Next<ZpciEvent> {
    const next = super.take();
    if (next !== undefined && 'event' in next) return next;
    this.#busy = false;
    this.#release();
    return next;
  }

  /**
   * Resolves when the consumer has come back after everything that was pushed so far, or is gone: then `signal` aborts.
   * Never rejects.
   */
  async taken(signal: AbortSignal): Promise<void> {
    if (!this.#busy || signal.aborted) return;
    const aborted = (): void => this.#release();
    signal.addEventListener('abort', aborted, { once: true });
    await new Promise<void>((resolve) => void this.#idle.push(resolve));
    signal.removeEventListener('abort', aborted);
  }

  #release(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

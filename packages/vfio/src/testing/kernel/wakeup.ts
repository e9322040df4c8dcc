/** Whether a file can be read, and who is told when that changes. */
export class Wakeup {
  readonly #listeners = new Set<() => void>();

  constructor(readonly readable: () => boolean) {}

  /** Tells everybody who waits that it may be readable now. */
  wake(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** @returns ends it */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}

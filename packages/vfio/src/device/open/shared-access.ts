/** Something that several devices hold together: it is let go of with the last. */
export class SharedAccess<Key, Held> {
  readonly #entries = new Map<Key, { readonly held: Held; users: number; close(): Promise<void> }>();
  readonly #closing = new Map<Key, Promise<void>>();

  /** What is held under a key now. */
  peek(key: Key): Held | undefined {
    return this.#entries.get(key)?.held;
  }

  /** Notes that something under a key is being closed that was never held: {@link settled} waits for it, too. */
  leaving(key: Key, closing: Promise<void>): void {
    const closed = closing.finally(() => this.#gone(key, closed));
    closed.catch(() => undefined);
    this.#closing.set(key, closed);
  }

  /** Waits until what is being let go of is gone: the kernel answers EBUSY before. */
  async settled(key: Key): Promise<void> {
    while (this.#closing.has(key)) await this.#closing.get(key)!.catch(() => undefined);
  }

  /**
   * What is held under a key; made when there is nothing yet. At once, so that two who open together share it.
   * @returns what is held, and how it is let go of, once
   */
  acquire(
    key: Key,
    make: () => { readonly held: Held; close(): Promise<void> },
  ): { readonly held: Held; release(): Promise<void> } {
    const entry = this.#entries.get(key) ?? { ...make(), users: 0 };
    entry.users++;
    this.#entries.set(key, entry);
    let released: Promise<void> | undefined;
    return { held: entry.held, release: () => (released ??= this.#release(key, entry)) };
  }

  async #release(key: Key, entry: { users: number; close(): Promise<void> }): Promise<void> {
    if (--entry.users > 0) return;
    this.#entries.delete(key);
    const closing = entry.close();
    this.leaving(key, closing);
    await closing;
  }

  #gone(key: Key, closed: Promise<void>): void {
    if (this.#closing.get(key) === closed) this.#closing.delete(key);
  }
}

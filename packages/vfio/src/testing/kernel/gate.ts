/** A lock that calls wait for: open, or closed by one or several holders. */
export class Gate {
  #holders = 0;
  #waiting: (() => void)[] = [];

  get closed(): boolean {
    return this.#holders > 0;
  }

  /** Closes it; the result opens it again, for this holder, once. */
  close(): () => void {
    this.#holders++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holders--;
      if (!this.closed) for (const then of this.#waiting.splice(0)) then();
    };
  }

  /** Calls `then` once, when it is open: at once when it is. */
  whenOpen(then: () => void): void {
    if (this.closed) this.#waiting.push(then);
    else then();
  }
}

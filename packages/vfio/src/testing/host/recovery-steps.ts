import { type Clock } from '@pci-recovery/core';

/** A step that the host has just done, and how long it takes until it does the next one, milliseconds. */
export interface HostStep {
  readonly at: string;
  readonly then: number;
}

/** What the host does, step by step. */
export type HostSteps = Generator<HostStep, void, void>;

/**
 * The host's own recovery from one error. Nothing happens before it is told to: step by step, all at once, or in its own
 * time by a clock.
 */
export class HostRecovery {
  readonly #steps: HostSteps;
  readonly #taken: string[] = [];
  #done = false;

  constructor(steps: HostSteps) {
    this.#steps = steps;
  }

  /** Steps that were done, in order. */
  get taken(): readonly string[] {
    return this.#taken;
  }

  /** Whether the host has ended. */
  get done(): boolean {
    return this.#done;
  }

  /** Does the next step; its name, or undefined when there is none left. */
  step(): string | undefined {
    return this.#next()?.at;
  }

  /** Goes on up to and with a step. @returns whether it was reached */
  until(at: string): boolean {
    for (let step = this.step(); step !== undefined; step = this.step()) if (step === at) return true;
    return false;
  }

  /** Does all that is left, at once. */
  finish(): this {
    while (this.#next());
    return this;
  }

  /** Does all that is left in the host's own time; settles with its end. */
  play(clock: Clock): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        const step = this.#next();
        if (!step) resolve();
        else if (step.then > 0) clock.after(step.then, go);
        else go();
      };
      go();
    });
  }

  #next(): HostStep | undefined {
    const { done, value } = this.#steps.next();
    if (done || !value) {
      this.#done = true;
      return undefined;
    }
    this.#taken.push(value.at);
    return value;
  }
}

import { inspect } from 'node:util';

type StrayEvent = 'unhandledRejection' | 'uncaughtException';

/** Who tells of failures that nobody handled: node's `process`. */
export interface StraySource {
  on(event: StrayEvent, listener: (reason: unknown) => void): unknown;
  off(event: StrayEvent, listener: (reason: unknown) => void): unknown;
}

const RULES: Readonly<Record<StrayEvent, string>> = {
  unhandledRejection: 'Whoever promises something says what became of it, but a promise was rejected that nobody has',
  uncaughtException: 'Whoever calls back does not throw, but something was thrown that nobody could catch',
};

/**
 * Failures that a backend lets float: they would end the whole process. While this listens they do not, and the first one is
 * kept.
 */
export class Strays implements Disposable {
  readonly #source: StraySource;
  readonly #listeners: [StrayEvent, (reason: unknown) => void][] = [];
  #first: string | undefined;

  constructor(source: StraySource) {
    this.#source = source;
    for (const event of Object.keys(RULES) as StrayEvent[]) {
      const listener = (reason: unknown): void => void (this.#first ??= `${RULES[event]}: ${asText(reason)}`);
      source.on(event, listener);
      this.#listeners.push([event, listener]);
    }
  }

  /** The rule that was not met, and what there was instead. What is under way is let come first. */
  async first(): Promise<string | undefined> {
    await new Promise((resolve) => setImmediate(resolve));
    return this.#first;
  }

  [Symbol.dispose](): void {
    for (const [event, listener] of this.#listeners) this.#source.off(event, listener);
  }
}

/** What was thrown: where, if it is an error. */
export const asText = (thrown: unknown): string =>
  (thrown as Error | null | undefined)?.stack ?? `${inspect(thrown)}, which is no error.`;

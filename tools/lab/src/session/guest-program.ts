import { labError } from '../failure.js';
import { type AgentClient } from '../channel/agent-client.js';
import { type GuestProcesses, type ProcessEnd } from './guest-processes.js';

/** A line of JSON that a program printed. */
export type Said = Readonly<Record<string, unknown>> & { readonly event: string };

/** A program of ours that runs on in the guest: it prints a JSON object per line, and takes orders the same way. */
export class GuestProgram {
  #read = 0;
  #asked = 0;
  readonly #said: Said[] = [];

  constructor(
    readonly number: number,
    private readonly processes: GuestProcesses,
    private readonly agent: AgentClient,
    private readonly signal: AbortSignal,
  ) {}

  /** Everything that it said so far. */
  get said(): readonly Said[] {
    const { stdout } = this.processes.of(this.number);
    for (; this.#read < stdout.length; this.#read++) this.#said.push(JSON.parse(stdout[this.#read]!) as Said);
    return this.#said;
  }

  /** What it printed to standard error. */
  get complaints(): readonly string[] {
    return this.processes.of(this.number).stderr;
  }

  /** The first thing that it says from `from` on that fits. */
  until<T extends Said>(event: string, fits: (said: T) => boolean = () => true, from = 0): Promise<T> {
    const look = (): T | undefined =>
      this.said.slice(from).find((one): one is T => one.event === event && fits(one as T));
    return this.processes.until(this.number, `"${event}" of program ${this.number}`, look, this.signal);
  }

  /** Gives an order, and waits for its answer: the event "answer" with the order's number. */
  async ask<T>(order: string, parameters: Readonly<Record<string, unknown>> = {}): Promise<T> {
    const ask = ++this.#asked;
    await this.agent.call(
      'feed',
      { process: this.number, line: JSON.stringify({ ask, order, ...parameters }) },
      this.signal,
    );
    const answer = await this.until('answer', (one) => one['ask'] === ask);
    if (answer['error'] !== undefined) throw labError('GUEST', `${order}: ${JSON.stringify(answer['error'])}`);
    return answer['value'] as T;
  }

  /** Ends it without asking. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<ProcessEnd> {
    await this.agent.call('kill', { process: this.number, signal }, this.signal);
    return this.ended();
  }

  ended(): Promise<ProcessEnd> {
    return this.processes.until(this.number, `The end of program ${this.number}`, ({ end }) => end, this.signal);
  }
}

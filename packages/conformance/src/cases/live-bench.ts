import { KernelPolicy, type Awaitable, type RecoveryOutcome } from '@pci-recovery/core';
import { type Bench, type BenchOptions } from '../bench/bench.js';
import { holds, same } from '../failure.js';
import { type LiveLook, type LiveSubject } from '../harness.js';
import { type CaseContext } from './case.js';
import { lawOf, type Row } from './law.js';

/** Drivers set real functions up in their callbacks: milliseconds that each may take. */
const CALLBACK_MS = 60_000;
/** Between two looks at a machine, and so often it is looked at: a counter moves a little after its error. */
const POLL_MS = 20;
const MOST_LOOKS = 500;

/** A bench on a real machine. */
export class LiveBench {
  readonly bench: Bench;
  readonly #live: LiveSubject;

  private constructor(bench: Bench, live: LiveSubject) {
    this.bench = bench;
    this.#live = live;
  }

  /** Its drivers set their functions up at the start, and again in `slot_reset`, as real ones do. */
  static async open(context: CaseContext, options: BenchOptions): Promise<LiveBench> {
    const policy = new KernelPolicy({ deadlineMs: CALLBACK_MS });
    const bench = await context.open({ ...options, policy });
    const { live } = bench.subject;
    holds(live !== undefined, 'A subject of a live harness is live.');
    const opened = new LiveBench(bench, live);
    bench.interlude = async ({ name, callback }) => {
      if (callback === 'slotReset') await live.setUp(name);
    };
    for (const name of opened.endpoints) await opened.do((one) => one.setUp(name), `"${name}" is set up.`);
    return opened;
  }

  get endpoints(): string[] {
    const { functions } = this.bench.layout;
    return Object.keys(functions).filter((name) => functions[name]!.kind === 'endpoint');
  }

  /** Something that the machine is asked for. */
  do<T>(work: (live: LiveSubject) => Awaitable<T>, rule: string): Promise<T> {
    return this.bench.drive(Promise.resolve(work(this.#live)), rule);
  }

  inject(incident: string, at: string): Promise<void> {
    return this.do((live) => live.inject(incident, at), `A "${incident}" error is injected at "${at}".`);
  }

  /** Everything that was told so far is known to the witness. */
  settled(): Promise<void> {
    return this.do((live) => live.settled(), 'The witness has heard everything.');
  }

  look(at: string): Promise<LiveLook> {
    return this.do((live) => live.look(at), `One can look at "${at}".`);
  }

  /** Lets the machine have one error, and waits for its outcome and for what the machine says about it. */
  async recover(incident: string, at: string): Promise<RecoveryOutcome> {
    const before = this.bench.outcomes.length;
    await this.inject(incident, at);
    await this.bench.ended(before + 1);
    await this.settled();
    return this.bench.outcomes[before]!;
  }

  /** Waits until the machine is so. */
  async until(condition: () => Awaitable<boolean>, rule: string): Promise<void> {
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      await this.settled();
      if (await condition()) return;
      await this.bench.pass(POLL_MS);
    }
    holds(false, rule);
  }

  /** Waits until an incident was counted so often at a function, and requires that it is not more. */
  async counted(incident: string, at: string, times: number): Promise<void> {
    const rule = `"${incident}" errors that the machine has counted at "${at}".`;
    const count = async (): Promise<number> => (await this.look(at)).counted[incident] ?? 0;
    await this.until(async () => (await count()) >= times, `${rule} There are fewer than ${times}.`);
    same(await count(), times, rule);
  }

  /** Requires that every function really does its work, as it is. */
  async work(names: readonly string[], after: string): Promise<void> {
    for (const name of names) {
      const done = await this.do((live) => live.request(name), `A request to "${name}" comes to an end.`);
      holds(done, `${after}: a request to "${name}" is completed, and its interrupt comes.`);
    }
  }

  /** Requires that callbacks ran as the law says, and that the machine saw as many resets. */
  meetsLaw(context: CaseContext, row: Row, outcome: RecoveryOutcome): void {
    const law = lawOf(context, row);
    const what = `A "${row.incident}" error at "${row.at}"`;
    const isCall = (token: string): boolean => /^\w+\.\w/.test(token);
    same(this.bench.timeline([]), law.timeline.filter(isCall), `${what}: callbacks in the law's order.`);
    same(outcome.result, law.result, `${what}: its result is the law's.`);
    if (!context.harness.sees.includes('reset')) return;
    const resets = law.timeline.filter((token) => token.startsWith('reset('));
    same(this.bench.resets().length, resets.length, `${what}: as many resets as the law says, whoever does them.`);
  }
}

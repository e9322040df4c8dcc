import { PciRecoveryError, systemClock, type Clock } from '@pci-recovery/core';
import { Bench, type BenchOptions } from './bench/bench.js';
import { type CaseContext, type ConformanceCase, type Level } from './cases/case.js';
import { CASES } from './cases/index.js';
import { ConformanceFailure } from './failure.js';
import { missingMethods, refuseFlaws } from './flaws.js';
import { type Harness, type Subject, type SubjectOptions } from './harness.js';
import { hasLayout, refusesWhatItLacks, unmet } from './requirement.js';
import { asText, Strays, type StraySource } from './stray.js';
import { reportOf, type CaseResult, type ConformanceReport } from './report/report.js';

/** What is run, and how. */
export interface ConformanceOptions {
  /** Default: all that are there. */
  readonly levels?: readonly Level[];
  /** Ids of cases, or beginnings of ids that end in `*`. Default: all. */
  readonly only?: readonly string[];
  /** Case id → why it fails. They are run all the same, and one that passes is reported as a failure. */
  readonly knownFailures?: Readonly<Record<string, string>>;
  readonly onResult?: (result: CaseResult) => void;
  /** Ends the run before its next case. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds of real time that one case may take. Default: 20 000. It cuts off everything that gives the event loop a
   * turn; a platform that never does hangs its process, and only another process can notice.
   */
  readonly caseLimitMs?: number;
  /** Real time: measures cases, and cuts those off that hang. Default: the machine's own. */
  readonly realClock?: Clock;
  /** Who tells of failures that nobody handled. Default: this process, which ends by none of them while cases run. */
  readonly strays?: StraySource;
  /** Default: {@link CASES}. */
  readonly cases?: readonly ConformanceCase[];
}

const NS_PER_MS = 1e6;

/** Whether `pattern` (an id, or the beginning of ids with a `*` at its end) means a case. */
const means = (pattern: string, id: string): boolean =>
  pattern.endsWith('*') ? id.startsWith(pattern.slice(0, -1)) : id === pattern;

/**
 * The cases that options choose, in their order.
 * @throws PciRecoveryError `ERR_PCI_UNKNOWN_CASE` when `only` or `knownFailures` names a case that is not there.
 */
export function selectCases(options: ConformanceOptions = {}): ConformanceCase[] {
  const { levels, only, knownFailures = {}, cases = CASES } = options;
  for (const pattern of [...(only ?? []), ...Object.keys(knownFailures)]) {
    if (cases.some(({ id }) => means(pattern, id))) continue;
    const message = `The suite has no case "${pattern}": docs/conformance.md lists all.`;
    throw new PciRecoveryError('ERR_PCI_UNKNOWN_CASE', message, { context: { pattern } });
  }
  const wanted = (id: string): boolean => only?.some((pattern) => means(pattern, id)) ?? true;
  return cases.filter(({ id, level }) => (levels?.includes(level) ?? true) && wanted(id));
}

/**
 * Holds a backend against the suite. A failed case is part of the report, not an exception.
 * @throws PciRecoveryError `ERR_PCI_UNKNOWN_CASE`; `ERR_PCI_BAD_HARNESS` for a harness or profile that contradicts itself
 */
export async function runConformance(harness: Harness, options: ConformanceOptions = {}): Promise<ConformanceReport> {
  refuseFlaws(harness);
  const results: CaseResult[] = [];
  const cases = selectCases(options);
  // Also between cases, and for what the last one left behind.
  using strays = new Strays(options.strays ?? process);
  for (const one of cases) {
    if (options.signal?.aborted) break;
    const result = await runCase(harness, one, options);
    results.push(result);
    options.onResult?.(result);
  }
  await strays.first();
  return reportOf(harness, results);
}

/** Runs one case, or the negative cases of what the harness does not offer. It never rejects. */
export async function runCase(
  harness: Harness,
  one: ConformanceCase,
  options: ConformanceOptions = {},
): Promise<CaseResult> {
  const { realClock = systemClock, caseLimitMs = 20_000, knownFailures = {} } = options;
  const startedAt = realClock.monotonic();
  const missing = one.requires.filter((requirement) => unmet(requirement, harness) !== undefined);
  using strays = new Strays(options.strays ?? process);
  const failure = await guarded(realClock, caseLimitMs, (guard) => attempt(harness, one, missing, guard));
  const error = [failure, await strays.first()].filter((text) => text !== undefined).join('\n') || undefined;
  const known = Object.hasOwn(knownFailures, one.id) ? knownFailures[one.id] : undefined;
  const { id, title, level, demands } = one;
  const durationMs = (realClock.monotonic() - startedAt) / NS_PER_MS;
  const base = { id, title, level, demands, durationMs };
  if (known !== undefined && missing.length === 0) {
    if (error === undefined)
      return { ...base, status: 'unexpected_pass', reason: `It passes, but is known to fail: ${known}` };
    return { ...base, status: 'known_failure', reason: known, error };
  }
  if (error !== undefined) return { ...base, status: 'failed', error };
  if (missing.length === 0) return { ...base, status: 'passed' };
  return {
    ...base,
    status: 'not_applicable',
    reason: missing.map((requirement) => unmet(requirement, harness)).join('; '),
  };
}

async function attempt(
  harness: Harness,
  one: ConformanceCase,
  missing: ConformanceCase['requires'],
  guard: Promise<never>,
): Promise<void> {
  const context = new OpenThings(harness, guard);
  try {
    if (missing.length === 0) await one.run(context);
    for (const requirement of missing) await refusesWhatItLacks(requirement, context);
    await context.closeAll();
  } finally {
    await context.discardAll();
  }
}

/** Runs `work` with a limit of real time; its failure as text. */
async function guarded(
  clock: Clock,
  limitMs: number,
  work: (guard: Promise<never>) => Promise<void>,
): Promise<string | undefined> {
  let cut!: (reason: Error) => void;
  const guard = new Promise<never>((_, reject) => (cut = reject));
  guard.catch(() => undefined);
  const timer = clock.after(limitMs, () => cut(new ConformanceFailure(`It did not end within ${limitMs} ms.`)));
  try {
    await Promise.race([work(guard), guard]);
    return undefined;
  } catch (error) {
    return error instanceof ConformanceFailure ? error.message : asText(error);
  } finally {
    timer[Symbol.dispose]();
  }
}

/** What a case opened, so that it can be closed for it. */
class OpenThings implements CaseContext {
  readonly harness: Harness;
  readonly guard: Promise<never>;
  #benches: Bench[] = [];
  #subjects: Subject[] = [];

  constructor(harness: Harness, guard: Promise<never>) {
    this.harness = harness;
    this.guard = guard;
    this.open = this.open.bind(this);
    this.openIdle = this.openIdle.bind(this);
    this.subject = this.subject.bind(this);
    this.closeAll = this.closeAll.bind(this);
  }

  get profile(): Harness['profile'] {
    return this.harness.profile;
  }

  get recovering(): string[] {
    return Object.keys(this.profile.incidents).filter((name) => this.profile.incidents[name]!.recovers);
  }

  get two(): string {
    return hasLayout(this.harness, 'pair') ? 'pair' : 'disjoint';
  }

  get recorded(): string[] {
    return Object.keys(this.profile.incidents).filter((name) => !this.profile.incidents[name]!.recovers);
  }

  async open(options: BenchOptions): Promise<Bench> {
    return (await this.openIdle(options)).start();
  }

  async openIdle(options: BenchOptions): Promise<Bench> {
    const { layout, lacking } = options;
    const subject = await this.#made({ layout, ...(lacking && { lacking }) });
    const bench = new Bench(this.harness, subject, options, this.guard);
    this.#benches.push(bench);
    return bench;
  }

  async subject(options: SubjectOptions): Promise<Subject> {
    const subject = await this.#made(options);
    this.#subjects.push(subject);
    return subject;
  }

  async #made(options: SubjectOptions): Promise<Subject> {
    const subject = await this.harness.create(options);
    for (const missing of missingMethods(this.harness, subject)) throw new ConformanceFailure(missing);
    return subject;
  }

  async closeAll(): Promise<void> {
    for (const bench of this.#benches) await bench.close();
    for (const subject of this.#subjects) await this.#disposeOf(subject);
    this.#benches = [];
    this.#subjects = [];
  }

  async discardAll(): Promise<void> {
    for (const bench of this.#benches) await bench.discard();
    for (const subject of this.#subjects) await this.#disposeOf(subject).catch(() => undefined);
  }

  #disposeOf(subject: Subject): Promise<void> {
    return Promise.race([Promise.resolve(subject[Symbol.asyncDispose]()), this.guard]);
  }
}

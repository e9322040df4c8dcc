import { type Bench, type BenchOptions } from '../bench/bench.js';
import { type Harness, type Subject, type SubjectOptions } from '../harness.js';
import { type PlatformProfile } from '../profile.js';
import { type Requirement } from '../requirement.js';

/** 0 contract, 1 decode, 2 sequence and votes, 3 concurrency, cancellation, lifecycle, 4 live hardware. */
export type Level = 0 | 1 | 2 | 3 | 4;

/** What a case runs on. Everything that it opens is closed for it. */
export interface CaseContext {
  readonly harness: Harness;
  readonly profile: PlatformProfile;
  /** The incidents of the profile that start a recovery. */
  readonly recovering: readonly string[];
  /** The incidents of the profile that are recorded only. */
  readonly recorded: readonly string[];
  /** The layout with functions `a` and `b`: in one scope where the platform has such scopes, otherwise apart. */
  readonly two: string;
  /** A healthy machine with an engine that has been started. */
  readonly open: (options: BenchOptions) => Promise<Bench>;
  /** The same, with an engine that has not been started: the platform's events are the case's. */
  readonly openIdle: (options: BenchOptions) => Promise<Bench>;
  /** Only a machine, without any engine. */
  readonly subject: (options: SubjectOptions) => Promise<Subject>;
  /** Ends what was opened so far, in good order: a case that goes through a table does so after each row. */
  readonly closeAll: () => Promise<void>;
  /** Rejects when the case takes too long. */
  readonly guard: Promise<never>;
}

/** One thing that every backend must do, as data. */
export interface ConformanceCase {
  /** Stable: `group.what-holds`. */
  readonly id: string;
  /** The rule, as a sentence. */
  readonly title: string;
  readonly level: Level;
  /** The demands that it stands for, for example `R3.4`. */
  readonly demands: readonly string[];
  /** What a harness must offer; otherwise the requirement's own negative case runs instead. */
  readonly requires: readonly Requirement[];
  /** @throws ConformanceFailure (or anything else) when the rule does not hold. */
  run(context: CaseContext): Promise<void>;
}

import { type Level } from '../cases/case.js';
import { type Harness } from '../harness.js';

/**
 * What became of a case. `not_applicable`: the harness lacks what it needs, and the negative case passed.
 * `known_failure`: it failed, as was said before. `unexpected_pass`: it was said to fail and did not.
 */
export type CaseStatus = 'passed' | 'failed' | 'not_applicable' | 'known_failure' | 'unexpected_pass';

/** All statuses, in the order in which reports count them. */
export const CASE_STATUSES: readonly CaseStatus[] = [
  'passed',
  'failed',
  'not_applicable',
  'known_failure',
  'unexpected_pass',
];

/** What became of one case. */
export interface CaseResult {
  readonly id: string;
  readonly title: string;
  readonly level: Level;
  readonly demands: readonly string[];
  readonly status: CaseStatus;
  /** Why it is not applicable, or known to fail. */
  readonly reason?: string;
  /** What went wrong. */
  readonly error?: string;
  /** Milliseconds of real time. */
  readonly durationMs: number;
}

/** What became of all cases. */
export interface ConformanceReport {
  readonly harness: string;
  readonly profile: string;
  readonly results: readonly CaseResult[];
  readonly counts: Readonly<Record<CaseStatus, number>>;
  /** At least one case was run; none failed, and none passed that is known to fail. */
  readonly ok: boolean;
}

/** A status that makes the whole run fail. */
export const isBad = (status: CaseStatus): boolean => status === 'failed' || status === 'unexpected_pass';

/** Sums results up. */
export function reportOf(
  { name, profile }: Pick<Harness, 'name' | 'profile'>,
  results: readonly CaseResult[],
): ConformanceReport {
  const count = (status: CaseStatus): number => results.filter((one) => one.status === status).length;
  const counts = Object.fromEntries(CASE_STATUSES.map((status) => [status, count(status)])) as Record<
    CaseStatus,
    number
  >;
  const ok = results.length > 0 && !results.some(({ status }) => isBad(status));
  return { harness: name, profile: profile.name, results, counts, ok };
}

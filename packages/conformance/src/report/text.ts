import { CASE_STATUSES, type CaseResult, type CaseStatus, type ConformanceReport } from './report.js';

const MARKS: Readonly<Record<CaseStatus, string>> = {
  passed: 'ok',
  failed: 'FAILED',
  not_applicable: 'n/a',
  known_failure: 'known',
  unexpected_pass: 'PASSED?',
};

const COUNTED: Readonly<Record<CaseStatus, string>> = {
  passed: 'passed',
  failed: 'failed',
  not_applicable: 'not applicable',
  known_failure: 'known to fail',
  unexpected_pass: 'passed unexpectedly',
};

const indent = (text: string): string =>
  text
    .split('\n')
    .map((line) => `          ${line}`.trimEnd())
    .join('\n');

/** One case as a line, with its reason or failure below it. */
export function caseLine({ id, title, status, reason, error }: CaseResult): string {
  const line = `${MARKS[status].padEnd(8)}  ${id}: ${title}`;
  const below = [reason, error].filter((text) => text !== undefined).map(indent);
  return [line, ...below].join('\n');
}

/** The sum of a run as one line: only what there is any of. */
export const summaryLine = ({ counts }: Pick<ConformanceReport, 'counts'>): string =>
  CASE_STATUSES.filter((status) => counts[status] > 0)
    .map((status) => `${counts[status]} ${COUNTED[status]}`)
    .join(', ') || 'no case was run';

/** A report for people to read. */
export const toText = (report: ConformanceReport): string =>
  [
    `${report.harness} against the law "${report.profile}"`,
    ...report.results.map(caseLine),
    summaryLine(report),
    '',
  ].join('\n');

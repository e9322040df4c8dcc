import { type ConformanceReport } from './report.js';

/** One line of a report as JSON: the run, a case, or the sum. */
export type ReportRecord = { readonly type: 'run' | 'case' | 'summary' } & Readonly<Record<string, unknown>>;

/** A report as records, the run first and the sum last: one JSON object per line when written down. */
export function reportRecords({ harness, profile, results, counts, ok }: ConformanceReport): ReportRecord[] {
  return [
    { type: 'run', harness, profile, cases: results.length },
    ...results.map((result) => ({ type: 'case' as const, ...result })),
    { type: 'summary', ok, ...counts },
  ];
}

/** A report as JSON lines (newline-delimited JSON), each line ended. */
export const toJsonLines = (report: ConformanceReport): string =>
  reportRecords(report)
    .map((record) => `${JSON.stringify(record)}\n`)
    .join('');

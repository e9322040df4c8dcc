import { isBad, type CaseResult, type ConformanceReport } from './report.js';

/** A description must not hold what begins a directive, nor end the line. */
const escape = (text: string): string => text.replaceAll(/\s+/g, ' ').replaceAll(/[\\#]/g, '\\$&');

/** A YAML double-quoted scalar; JSON strings are ones, once the separators that YAML breaks lines at are escaped. */
const quoted = (text: string): string =>
  JSON.stringify(text).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

const DIRECTIVES: Partial<Readonly<Record<CaseResult['status'], string>>> = {
  not_applicable: 'SKIP not applicable: ',
  known_failure: 'TODO known failure: ',
};

function point(result: CaseResult, number: number): string[] {
  const { id, title, status, reason = '', error, durationMs, level, demands } = result;
  const passed = !isBad(status) && status !== 'known_failure';
  const directive = DIRECTIVES[status];
  const note = directive === undefined ? '' : ` # ${directive}${escape(reason)}`;
  return [
    `${passed ? 'ok' : 'not ok'} ${number} - ${escape(`${id}: ${title}`)}${note}`,
    '  ---',
    `  level: ${level}`,
    `  demands: [${demands.join(', ')}]`,
    `  duration_ms: ${durationMs.toFixed(3)}`,
    ...(status === 'unexpected_pass' ? [`  message: ${quoted(reason)}`] : []),
    ...(error === undefined ? [] : [`  message: ${quoted(error)}`]),
    '  ...',
  ];
}

/** A report in the Test Anything Protocol, version 14 (testanything.org/tap-version-14-specification). */
export function toTap({ harness, profile, results }: ConformanceReport): string {
  const head = ['TAP version 14', `# ${escape(harness)} against the law ${escape(profile)}`, `1..${results.length}`];
  return [...head, ...results.flatMap((result, index) => point(result, index + 1)), ''].join('\n');
}

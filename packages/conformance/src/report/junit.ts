import { isBad, type CaseResult, type ConformanceReport } from './report.js';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Not characters of XML 1.0 (§2.2): half surrogates, control characters except tab, line feed and carriage return. */
const NOT_XML =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const escape = (text: string): string =>
  text
    .replaceAll(NOT_XML, '\ufffd')
    .replaceAll(/[&<>"']/g, (char) => ENTITIES[char]!)
    // A parser would turn these into spaces inside an attribute.
    .replaceAll(/[\t\n\r]/g, (char) => `&#${char.charCodeAt(0)};`);

const attributes = (values: Readonly<Record<string, string | number>>): string =>
  Object.entries(values)
    .map(([name, value]) => ` ${name}="${escape(String(value))}"`)
    .join('');

const seconds = (ms: number): string => (ms / 1000).toFixed(3);

function inside({ status, reason = '', error = reason }: CaseResult): string {
  if (isBad(status)) {
    const [first = ''] = error.split('\n');
    return `<failure${attributes({ message: first, type: status })}>${escape(error)}</failure>`;
  }
  if (status === 'passed') return '';
  const kind = status === 'known_failure' ? 'known failure' : 'not applicable';
  return `<skipped${attributes({ message: `${kind}: ${reason}` })}/>`;
}

function testCase(result: CaseResult, harness: string): string {
  const { id, title, durationMs } = result;
  const named = attributes({
    classname: `${harness}.${id.split('.')[0]!}`,
    name: `${id}: ${title}`,
    time: seconds(durationMs),
  });
  const content = inside(result);
  return content === '' ? `    <testcase${named}/>` : `    <testcase${named}>${content}</testcase>`;
}

/** A report as JUnit XML, as build servers read it: one suite per run. Known failures count as skipped. */
export function toJunit({ harness, profile, results, counts }: ConformanceReport): string {
  const sums = {
    tests: results.length,
    failures: counts.failed + counts.unexpected_pass,
    errors: 0,
    skipped: counts.not_applicable + counts.known_failure,
    time: seconds(results.reduce((sum, { durationMs }) => sum + durationMs, 0)),
  };
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes(sums)}>`,
    `  <testsuite${attributes({ name: `${harness} against the law ${profile}`, ...sums })}>`,
    ...results.map((result) => testCase(result, harness)),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

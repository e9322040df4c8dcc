import fc from 'fast-check';
import {
  caseLine,
  CASE_STATUSES,
  reportOf,
  summaryLine,
  toJsonLines,
  toJunit,
  toTap,
  toText,
  type CaseResult,
} from '../src/index.js';
import { referenceProfile } from './reference/harness.js';

const base = { title: 'a rule', level: 2, demands: ['R3.4', 'R3.5'], durationMs: 1.5 } as const;
const results: readonly CaseResult[] = [
  { ...base, id: 'a.one', status: 'passed' },
  { ...base, id: 'a.two', status: 'failed', error: 'expected <1> & "2"\n  got #3 \u0001 \u001b[31m' },
  { ...base, id: 'b.three', status: 'not_applicable', reason: 'layout:pair: no # such \\ thing' },
  { ...base, id: 'b.four', status: 'known_failure', reason: 'ticket 7', error: 'still' },
  { ...base, id: 'b.five', status: 'unexpected_pass', reason: 'It passes, but is known to fail: x' },
];
const report = reportOf({ name: 'toy <sim>', profile: referenceProfile }, results);

describe('JSON lines', () => {
  it('are one object per line: the run, each case, the sum', () => {
    const lines = toJsonLines(report).split('\n');
    expect(lines.pop()).toBe('');
    const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records[0]).toEqual({ type: 'run', harness: 'toy <sim>', profile: 'reference', cases: 5 });
    expect(records.slice(1, -1)).toEqual(results.map((result) => ({ type: 'case', ...result })));
    expect(records.at(-1)).toEqual({
      type: 'summary',
      ok: false,
      passed: 1,
      failed: 1,
      not_applicable: 1,
      known_failure: 1,
      unexpected_pass: 1,
    });
  });
});

describe('TAP 14', () => {
  it('has a version, a plan and numbered points with directives', () => {
    const lines = toTap(report).split('\n');
    expect(lines.slice(0, 3)).toEqual(['TAP version 14', '# toy <sim> against the law reference', '1..5']);
    expect(lines.filter((line) => /^(not )?ok/.test(line))).toEqual([
      'ok 1 - a.one: a rule',
      'not ok 2 - a.two: a rule',
      'ok 3 - b.three: a rule # SKIP not applicable: layout:pair: no \\# such \\\\ thing',
      'not ok 4 - b.four: a rule # TODO known failure: ticket 7',
      'not ok 5 - b.five: a rule',
    ]);
    expect(lines).toContain('  message: "expected <1> & \\"2\\"\\n  got #3 \\u0001 \\u001b[31m"');
    expect(lines).toContain('  demands: [R3.4, R3.5]');
  });

  it('keeps its shape whatever titles, reasons and errors hold', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, text, text, (title, reason, error) => {
        const one: CaseResult = { ...base, id: 'x.y', title, status: 'known_failure', reason, error };
        const lines = toTap(reportOf({ name: title, profile: referenceProfile }, [one])).split(
          /\r\n|[\n\r\u0085\u2028\u2029]/,
        );
        const shape = lines.map((line) => line.replace(/^ {2}(\w+): .*/, '  $1').slice(0, 9));
        expect(shape.slice(2)).toEqual([
          '1..1',
          'not ok 1 ',
          '  ---',
          '  level',
          '  demands',
          '  duratio',
          '  message',
          '  ...',
          '',
        ]);
      }),
    );
  });
});

/** A strict reader of the little XML that JUnit files are made of: tags, attributes, text, nothing else. */
function parseXml(xml: string): { name: string; attributes: Record<string, string>; text: string }[] {
  const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  const decode = (text: string): string => {
    expect(text).not.toMatch(/[<>\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|&(?!(amp|lt|gt|quot|apos|#\d+);)/);
    return text.replaceAll(/&(#\d+|\w+);/g, (_, name: string) =>
      name.startsWith('#') ? String.fromCharCode(Number(name.slice(1))) : entities[name]!,
    );
  };
  const found: ReturnType<typeof parseXml> = [];
  const open: string[] = [];
  const body = xml.replace(/^<\?xml version="1.0" encoding="UTF-8"\?>\n/, '');
  for (const [, closing, name, given, single, text] of body.matchAll(
    /<(\/?)([a-z]+)((?: [a-z]+="[^"<]*")*)(\/?)>([^<]*)/g,
  )) {
    if (closing) {
      expect(open.pop()).toBe(name);
      continue;
    }
    const attributes = Object.fromEntries(
      [...given!.matchAll(/ ([a-z]+)="([^"]*)"/g)].map(([, key, value]) => [key!, decode(value!)]),
    );
    found.push({ name: name!, attributes, text: decode(text!) });
    if (!single) open.push(name!);
  }
  expect(open).toEqual([]);
  return found;
}

describe('JUnit XML', () => {
  it('counts tests, failures and skipped ones', () => {
    const [suites, suite, ...rest] = parseXml(toJunit(report));
    expect(suites).toMatchObject({
      name: 'testsuites',
      attributes: { tests: '5', failures: '2', skipped: '2', errors: '0' },
    });
    expect(suite!.attributes).toMatchObject({ name: 'toy <sim> against the law reference', time: '0.007' });
    expect(rest.map(({ name }) => name)).toEqual([
      'testcase',
      'testcase',
      'failure',
      'testcase',
      'skipped',
      'testcase',
      'skipped',
      'testcase',
      'failure',
    ]);
    expect(rest[0]!.attributes).toEqual({ classname: 'toy <sim>.a', name: 'a.one: a rule', time: '0.002' });
    expect(rest[2]).toMatchObject({ attributes: { message: 'expected <1> & "2"', type: 'failed' } });
    expect(rest[2]!.text).toBe('expected <1> & "2"\n  got #3 \ufffd \ufffd[31m');
  });

  it('is well-formed whatever titles and errors hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.array(fc.integer({ min: 0, max: 0xffff })), (title, codes) => {
        const error = String.fromCharCode(...codes);
        const one: CaseResult = { ...base, id: 'x.y', title, status: 'failed', error };
        const found = parseXml(toJunit(reportOf({ name: title, profile: referenceProfile }, [one])));
        expect(found.map(({ name }) => name)).toEqual(['testsuites', 'testsuite', 'testcase', 'failure']);
        expect(() => encodeURIComponent(found[3]!.text)).not.toThrow();
      }),
    );
  });
});

describe('text', () => {
  it('shows a line per case, failures and reasons below, and the sum', () => {
    const text = toText(report);
    expect(text.split('\n')[0]).toBe('toy <sim> against the law "reference"');
    expect(text).toContain('FAILED    a.two: a rule\n          expected <1> & "2"\n            got #3');
    expect(text).toContain('n/a       b.three: a rule\n          layout:pair: no # such \\ thing\n');
    expect(text).toContain('1 passed, 1 failed, 1 not applicable, 1 known to fail, 1 passed unexpectedly\n');
  });

  it('has a line for every status', () => {
    for (const status of CASE_STATUSES) expect(caseLine({ ...base, id: 'x.y', status })).toMatch(/^\S+ +x\.y: a rule$/);
  });

  it('says when nothing was run', () => {
    expect(summaryLine(reportOf({ name: 'x', profile: referenceProfile }, []))).toBe('no case was run');
  });
});

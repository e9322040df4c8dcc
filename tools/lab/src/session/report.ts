import { isDeepStrictEqual } from 'node:util';

/** A rule that was looked at, and whether it held. */
export interface Check {
  readonly rule: string;
  readonly holds: boolean;
  /** What was expected and what was found; only when they differ. */
  readonly expected?: unknown;
  readonly found?: unknown;
}

/** What became of a scenario. */
export interface ScenarioReport {
  readonly scenario: string;
  readonly title: string;
  readonly demands: readonly string[];
  readonly machine: string;
  /** What `uname -r` says in the guest. */
  readonly kernel: string;
  readonly packages: readonly string[];
  readonly checks: readonly Check[];
  /** Facts that were written down without judging them. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Why the scenario could not be carried through; undefined when it was. */
  readonly broke?: string;
  /** From the start of QEMU until the agent answered, and until the machine was ended. */
  readonly seconds: { readonly boot: number; readonly whole: number };
}

/** A scenario passed: it was carried through, something was checked, and every rule held. */
export const passed = ({ broke, checks }: Pick<ScenarioReport, 'broke' | 'checks'>): boolean =>
  broke === undefined && checks.length > 0 && checks.every(({ holds }) => holds);

/** Collects checks and facts. */
export class Findings {
  readonly checks: Check[] = [];
  readonly facts: Record<string, unknown> = {};

  /** Checks a rule: whether `found` is, deeply and strictly, what is expected. */
  check(rule: string, found: unknown, expected: unknown): void {
    const holds = isDeepStrictEqual(found, expected);
    this.checks.push(holds ? { rule, holds } : { rule, holds, expected, found });
  }

  fact(name: string, value: unknown): void {
    this.facts[name] = value;
  }
}

const inspectable = (value: unknown): string => JSON.stringify(value) ?? 'nothing';

/** The report in lines for people. */
export function reportLines(report: ScenarioReport): readonly string[] {
  const { scenario, title, checks, broke, seconds } = report;
  const word = passed(report) ? 'ok' : 'FAILED';
  return [
    `${word} ${scenario}: ${title} (${checks.length} checks, ${seconds.whole.toFixed(1)} s, boot ${seconds.boot.toFixed(1)} s)`,
    ...checks.flatMap(({ rule, holds, expected, found }) =>
      holds ? [] : [`  not so: ${rule}`, `    expected ${inspectable(expected)}`, `    found    ${inspectable(found)}`],
    ),
    ...(broke === undefined ? [] : [`  broke: ${broke}`]),
  ];
}

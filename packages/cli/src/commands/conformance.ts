import {
  caseLine,
  reportOf,
  reportRecords,
  runConformance,
  selectCases,
  summaryLine,
  toJunit,
  toTap,
  type CaseResult,
  type ConformanceReport,
  type Harness,
  type Level,
} from '@pci-recovery/conformance';
import { systemClock, type Plain } from '@pci-recovery/core';
import { Command, InvalidArgumentError, Option } from 'commander';
import { EXIT, type ExitCode } from '../exit-code.js';
import { CommandFailure } from '../failure.js';
import { HARNESSES } from '../harnesses/harnesses.js';
import { KNOWN_FAILURES } from '../harnesses/known-failures.js';
import { writeLine, type Io } from '../io.js';
import { jsonLine } from '../json-event.js';
import { paletteFor, type Palette } from '../view/palette.js';

const EXAMPLES = `
Examples:
  pci-recovery conformance                               every backend on simulated hardware
  pci-recovery conformance --platform aer --level 2      sequence and votes only
  pci-recovery conformance --only 'votes.*' --tap        one group of cases, in the Test Anything Protocol

docs/conformance.md explains all cases. Cases of level 4 need a real machine: here they are not applicable.
Exit codes: 0 no case failed, 1 a case failed, 2 wrong arguments.`;

interface ConformanceCommandOptions {
  readonly platform: string;
  readonly level?: readonly Level[];
  readonly only?: readonly string[];
  readonly json?: boolean;
  readonly tap?: boolean;
  readonly junit?: boolean;
}

function levelOf(text: string, before: readonly Level[] = []): Level[] {
  if (!/^[0-4]$/.test(text)) throw new InvalidArgumentError('A level is 0, 1, 2, 3 or 4.');
  return [...before, Number(text) as Level];
}

/** `pci-recovery conformance`. */
export const conformanceCommand = (io: Io, finish: (code: ExitCode) => void): Command =>
  new Command('conformance')
    .description('Holds backends, on simulated hardware or a scripted kernel, against the law of their platform.')
    .addOption(new Option('--platform <name>', 'which backend').choices([...HARNESSES.keys(), 'all']).default('all'))
    .option('--level <n>', 'only cases of this level; may be given again', levelOf)
    .option('--only <ids...>', 'only these cases; an id may end in *')
    .addOption(new Option('--json', 'one JSON object per line').conflicts(['tap', 'junit']))
    .addOption(new Option('--tap', 'Test Anything Protocol, version 14').conflicts(['json', 'junit']))
    .addOption(new Option('--junit', 'JUnit XML').conflicts(['json', 'tap']))
    .addHelpText('after', EXAMPLES)
    .action(async (options: ConformanceCommandOptions) => finish(await conformance(options, io)));

async function conformance(options: ConformanceCommandOptions, io: Io): Promise<ExitCode> {
  const harnesses = [...HARNESSES.values()].filter(
    ({ name }) => options.platform === 'all' || name === options.platform,
  );
  refuseNoCases(options);
  const reports: ConformanceReport[] = [];
  for (const harness of harnesses) reports.push(await hold(harness, options, io));
  if (options.tap) io.stdout.write(toTap(together(reports)));
  if (options.junit) io.stdout.write(toJunit(together(reports)));
  return reports.every(({ ok }) => ok) ? EXIT.done : EXIT.failure;
}

/**
 * Looks before anything is run or printed whether there is something to run.
 * @throws PciRecoveryError `ERR_PCI_UNKNOWN_CASE`; CommandFailure when no case has such an id and level.
 */
function refuseNoCases({ level: levels, only }: ConformanceCommandOptions): void {
  if (selectCases({ ...(levels && { levels }), ...(only && { only }) }).length > 0) return;
  throw new CommandFailure(EXIT.usage, 'No case has such an id and level: docs/conformance.md lists all.');
}

/** Runs the suite on one backend; text and JSON are written as it goes. */
async function hold(harness: Harness, options: ConformanceCommandOptions, io: Io): Promise<ConformanceReport> {
  const { level: levels, only } = options;
  const live = !options.json && !options.tap && !options.junit;
  const paint = paletteFor(io);
  if (live) await writeLine(io.stdout, paint('bold', `${harness.name} against the law "${harness.profile.name}"`));
  const report = await runConformance(harness, {
    ...(levels && { levels }),
    ...(only && { only }),
    knownFailures: KNOWN_FAILURES[harness.name] ?? {},
    onResult: (result) => void (live && io.stdout.write(`${coloured(result, paint)}\n`)),
  });
  if (live) await writeLine(io.stdout, summaryLine(report));
  if (options.json) await writeJson(report, io);
  return report;
}

function coloured(result: CaseResult, paint: Palette): string {
  const line = caseLine(result);
  if (result.status === 'passed') return line;
  return paint(result.status === 'failed' || result.status === 'unexpected_pass' ? 'red' : 'dim', line);
}

async function writeJson(report: ConformanceReport, io: Io): Promise<void> {
  const source = `pci-recovery conformance ${report.harness}`;
  for (const { type, ...properties } of reportRecords(report)) {
    await writeLine(
      io.stdout,
      jsonLine(systemClock.wall(), source, type, properties as Readonly<Record<string, Plain>>),
    );
  }
}

/** Several reports as one, whose ids begin with the backend's name. */
function together(reports: readonly ConformanceReport[]): ConformanceReport {
  const [first] = reports;
  if (reports.length === 1) return first!;
  const results = reports.flatMap(({ harness, results: all }) =>
    all.map((one) => ({ ...one, id: `${harness}/${one.id}` })),
  );
  const name = reports.map(({ harness }) => harness).join(' + ');
  return { ...reportOf({ name, profile: { ...HARNESSES.values().next().value!.profile, name } }, results) };
}

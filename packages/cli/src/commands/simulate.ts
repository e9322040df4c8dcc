import { type EngineEvent, type Plain, type RecoveryOutcome } from '@pci-recovery/core';
import { Command, Option } from 'commander';
import { EXIT, type ExitCode } from '../exit-code.js';
import { CommandFailure } from '../failure.js';
import { writeLine, type Io } from '../io.js';
import { engineEventLine, jsonLine } from '../json-event.js';
import { type Simulation } from '../simulation/simulation.js';
import { SIMULATIONS } from '../simulation/simulations.js';
import { paletteFor } from '../view/palette.js';
import { sideBySide, type Column } from '../view/side-by-side.js';
import { Timeline, timelineEntries } from '../view/timeline.js';

const EXAMPLES = `
Examples:
  pci-recovery simulate                                     the default fault
  pci-recovery simulate --list                              all faults
  pci-recovery simulate --side-by-side --fault nonfatal     one fault on all platforms, beside each other
  pci-recovery simulate --platform aer --fault surprise-removal --json

Without --fault each platform shows its default fault. With --json the last line of each platform is the outcome.
Exit codes: 0 recovered, or nothing had to be, 2 wrong arguments, 4 not recovered, also where the fault is meant to end so.`;

interface SimulateOptions {
  readonly platform: string;
  readonly fault?: string;
  readonly list?: boolean;
  readonly json?: boolean;
  readonly sideBySide?: boolean;
}

/** `pci-recovery simulate`. */
export const simulateCommand = (io: Io, finish: (code: ExitCode) => void): Command =>
  new Command('simulate')
    .description('Lets a fault happen on simulated hardware and recovers it, step by step.')
    .addOption(new Option('--platform <name>', 'which platform').choices([...SIMULATIONS.keys(), 'all']).default('all'))
    .option('--fault <name>', 'which fault (see --list)')
    .addOption(new Option('--list', 'list the faults instead').conflicts('fault'))
    .addOption(new Option('--side-by-side', 'platforms beside each other').conflicts(['json', 'list']))
    .option('--json', 'one JSON object per line')
    .addHelpText('after', EXAMPLES)
    .action(async (options: SimulateOptions) => finish(await simulate(options, io)));

const chosen = (platform: string): Simulation[] =>
  [...SIMULATIONS.values()].filter((one) => platform === 'all' || one.platform === platform);

async function simulate(options: SimulateOptions, io: Io): Promise<ExitCode> {
  const simulations = chosen(options.platform);
  if (options.list) return list(simulations, options.json ?? false, io);
  const { fault } = options;
  const able =
    fault === undefined ? simulations : simulations.filter((one) => one.faults.some(({ name }) => name === fault));
  if (able.length === 0) {
    throw new CommandFailure(
      EXIT.usage,
      `There is no fault "${fault}" on platform ${options.platform}: see pci-recovery simulate --list.`,
    );
  }
  if (options.sideBySide) return showTogether(able, fault, io);
  let worst: ExitCode = EXIT.done;
  for (const simulation of able) {
    const code = await show(simulation, fault ?? simulation.defaultFault, options.json ?? false, io);
    if (code !== EXIT.done) worst = code;
  }
  return worst;
}

async function list(simulations: readonly Simulation[], json: boolean, io: Io): Promise<ExitCode> {
  const paint = paletteFor(io);
  for (const { platform, faults, defaultFault } of simulations) {
    for (const { name, title, ends } of faults) {
      const isDefault = name === defaultFault;
      const line = json
        ? JSON.stringify({ platform, fault: name, title, ends, default: isDefault })
        : `${platform}  ${paint('bold', name.padEnd(28))} ${title}${isDefault ? ' (default)' : ''}${ends === 'disconnected' ? paint('red', ' [not recovered]') : ''}`;
      await writeLine(io.stdout, line);
    }
  }
  return EXIT.done;
}

async function show(simulation: Simulation, fault: string, json: boolean, io: Io): Promise<ExitCode> {
  const { platform, faults } = simulation;
  const source = `pci-recovery simulate ${platform}`;
  const paint = paletteFor(io);
  const timeline = new Timeline((event) => simulation.describe(event), paint);
  const events: EngineEvent[] = [];
  if (!json)
    await writeLine(
      io.stdout,
      paint('bold', `${platform}: ${fault}`) + ` – ${faults.find(({ name }) => name === fault)!.title}`,
    );
  const { outcomes, clock } = await simulation.run(fault, { observe: (event) => events.push(event) });
  for (const event of events) {
    if (json) await writeLine(io.stdout, engineEventLine(event, source, clock));
    else for (const line of timeline.lines(event)) await writeLine(io.stdout, line);
  }
  const worst = worstOf(outcomes);
  if (json) await writeLine(io.stdout, jsonLine(clock.wall(), source, 'outcome', outcomeJson(worst, outcomes)));
  else await writeLine(io.stdout, summary(worst));
  return worst.result === 'disconnected' ? EXIT.notRecovered : EXIT.done;
}

async function showTogether(simulations: readonly Simulation[], fault: string | undefined, io: Io): Promise<ExitCode> {
  const columns: Column[] = [];
  const titles: string[] = [];
  let worst: ExitCode = EXIT.done;
  for (const simulation of simulations) {
    const { platform, faults, defaultFault } = simulation;
    const name = fault ?? defaultFault;
    const events: EngineEvent[] = [];
    const { outcomes } = await simulation.run(name, { observe: (event) => events.push(event) });
    const entries = events.flatMap((event) => timelineEntries(event, (error) => simulation.describe(error)));
    columns.push({ title: `${platform} (ms since its error)`, entries });
    titles.push(`${platform}: ${name} – ${faults.find((one) => one.name === name)!.title}`);
    if (worstOf(outcomes).result === 'disconnected') worst = EXIT.notRecovered;
  }
  for (const line of [...titles, '', ...sideBySide(columns, paletteFor(io))]) await writeLine(io.stdout, line);
  return worst;
}

const BADNESS: readonly RecoveryOutcome['result'][] = ['ignored', 'recovered', 'handed_over', 'disconnected'];

/** The outcome that the whole simulation is judged by. */
const worstOf = (outcomes: readonly RecoveryOutcome[]): RecoveryOutcome =>
  outcomes.reduce((worst, one) => (BADNESS.indexOf(one.result) > BADNESS.indexOf(worst.result) ? one : worst));

const addresses = (devices: readonly { readonly bdf: string }[]): string[] => devices.map((device) => device.bdf);

function outcomeJson(outcome: RecoveryOutcome, all: readonly RecoveryOutcome[]): Readonly<Record<string, Plain>> {
  const { platform, result, why, scope, usable } = outcome;
  return {
    platform,
    result,
    why,
    scope: { id: scope.id, members: addresses(scope.members) },
    usable: addresses(usable),
    errors: all.length,
    results: all.map((one) => one.result),
  };
}

function summary({ result, why, usable, scope }: RecoveryOutcome): string {
  const lost = scope.members.filter((member) => !usable.some((one) => one.bdf === member.bdf));
  const whom = lost.length > 0 && result !== 'ignored' ? ` Not handed back: ${addresses(lost).join(', ')}.` : '';
  return `=> ${result}. ${why}${whom}`;
}

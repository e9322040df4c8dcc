import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isPciRecoveryError } from '@pci-recovery/core';
import { limit } from './host/limit.js';
import { type Machine } from './machine/machine.js';
import { type Progress } from './progress.js';
import { type Scenario } from './scenarios/scenario.js';
import { Lab } from './session/lab.js';
import { type ScenarioReport } from './session/report.js';
import { RunningMachine, type StartOptions } from './session/running-machine.js';

/** What all scenarios of a run have in common. */
export interface RunOptions {
  readonly machine: Machine;
  readonly emulator: readonly string[];
  readonly kernel: string;
  readonly initramfs: string;
  /** `name version` of each package that the lab is made of. */
  readonly packages: readonly string[];
  /** Each scenario leaves a folder there. */
  readonly artefacts: string;
  /** How long a boot, and how long a whole scenario may take, milliseconds. */
  readonly limits: { readonly boot: number; readonly scenario: number };
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

const seconds = (since: number): number => (performance.now() - since) / 1000;

/** Boots, and once more when that fails: about one boot in thirty panics early under emulation. */
async function bootTwice(
  options: Omit<StartOptions, 'signal' | 'bootSignal'>,
  run: RunOptions,
): Promise<RunningMachine> {
  const attempt = async (): Promise<RunningMachine> => {
    // Only until it is up: afterwards the scenario's own limit ends it.
    using time = limit(run.signal, run.limits.boot, 'the boot');
    return await RunningMachine.boot({ ...options, bootSignal: time.signal, signal: run.signal });
  };
  try {
    return await attempt();
  } catch (error) {
    if (run.signal.aborted || !isPciRecoveryError(error)) throw error;
    run.progress(`  the boot failed, trying once more: ${error.message.split('\n')[0]}`);
    return attempt();
  }
}

async function leaveArtefacts(folder: string, running: RunningMachine, lab: Lab): Promise<void> {
  const { streams, commandLine } = running;
  const files: Readonly<Record<string, readonly string[]>> = {
    'kernel.log': streams.since('log'),
    'trace.txt': streams.since('trace'),
    'uevents.txt': streams.since('uevent'),
    'qemu-command-line.txt': commandLine,
  };
  for (const [name, lines] of Object.entries(files)) await writeFile(join(folder, name), `${lines.join('\n')}\n`);
  for (const [name, evidence] of lab.evidence) {
    await writeFile(join(folder, `evidence-${name}.json`), `${JSON.stringify(evidence, null, 2)}\n`);
  }
}

/** Runs the scenario on a machine that is up; why it broke, if it did. */
async function carryOut(scenario: Scenario, lab: Lab): Promise<string | undefined> {
  try {
    await lab.prepare();
    await scenario.run(lab);
    return undefined;
  } catch (error) {
    return isPciRecoveryError(error) ? `${error.message} [${error.code}]` : String((error as Error).stack ?? error);
  }
}

/**
 * Boots a machine, runs one scenario on it, and ends it, whatever happens.
 * @throws PciRecoveryError when the machine cannot be had at all; a scenario that breaks is a report.
 */
export async function runScenario(scenario: Scenario, run: RunOptions): Promise<ScenarioReport> {
  const { machine, emulator, kernel, initramfs, packages, progress } = run;
  const folder = join(run.artefacts, scenario.name);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const start = performance.now();
  const consoleLog = join(folder, 'console.log');
  const said = (text: string): void => progress(`  guest: ${text}`);
  const { layout } = scenario;
  await using running = await bootTwice({ machine, layout, emulator, kernel, initramfs, consoleLog, said }, run);
  const boot = seconds(start);
  progress(`  up after ${boot.toFixed(1)} s: Linux ${running.ready.release}, node ${running.ready.node}`);
  using time = limit(run.signal, Math.max(run.limits.scenario, (scenario.atLeast ?? 0) * 1000), scenario.name);
  const lab = new Lab(running, machine, time.signal);
  const broke = await carryOut(scenario, lab);
  await leaveArtefacts(folder, running, lab);
  const report: ScenarioReport = {
    scenario: scenario.name,
    title: scenario.title,
    demands: scenario.demands,
    machine: machine.name,
    kernel: running.ready.release,
    packages,
    checks: lab.findings.checks,
    facts: lab.findings.facts,
    ...(broke !== undefined && { broke }),
    seconds: { boot, whole: seconds(start) },
  };
  await writeFile(join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  return report;
}

import { rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { kernelFolder, labParts } from './archive/parts.js';
import { cacheFolder, type LabRequest } from './command-line.js';
import { labError } from './failure.js';
import { temporaryFolder } from './host/temporary.js';
import { writeInitramfs } from './initramfs/initramfs.js';
import { emulatorCommand } from './machine/emulator.js';
import { type Progress } from './progress.js';
import { runScenario, type RunOptions } from './run-scenario.js';
import { MACHINES, type LabMachine } from './scenarios/machines.js';
import { type Scenario } from './scenarios/scenario.js';
import { reportLines, type ScenarioReport } from './session/report.js';

const WORKSPACE = resolve(import.meta.dirname, '..', '..', '..');
const BOOT_LIMIT = 90_000;

/** What a run needs of the process that it runs in. */
export interface LabProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** @throws PciRecoveryError `ERR_PCI_LAB_USAGE` when there is no such machine. */
export function machineNamed(name: string): LabMachine {
  const found = MACHINES.find(({ machine }) => machine.name === name);
  if (found) return found;
  const names = MACHINES.map(({ machine }) => machine.name).join(', ');
  throw labError('USAGE', `There is no machine "${name}": the lab has ${names}.`);
}

/** The scenarios that were asked for, in the machine's order; all when none was named. */
export function chosenScenarios({ machine, scenarios }: LabMachine, names: readonly string[]): readonly Scenario[] {
  const unknown = names.filter((name) => !scenarios.some((scenario) => scenario.name === name));
  if (unknown.length > 0) {
    const known = scenarios.map(({ name }) => name).join(', ');
    throw labError('USAGE', `${machine.name} has no scenario ${unknown.join(', ')}; it has ${known}.`);
  }
  return names.length === 0 ? scenarios : scenarios.filter(({ name }) => names.includes(name));
}

/** Runs scenarios one after the other; their reports. Nothing is left running or lying around. */
export async function runLab(request: LabRequest, { env, signal, progress }: LabProcess): Promise<ScenarioReport[]> {
  const chosen = machineNamed(request.machine);
  const scenarios = chosenScenarios(chosen, request.scenarios);
  const { machine } = chosen;
  const cache = cacheFolder(env, homedir());
  const { kernel: series, refresh } = request;
  const parts = await labParts({ machine, series, cache, refresh, signal, progress });
  const temporary = await temporaryFolder(cache);
  try {
    const initramfs = join(temporary, 'initramfs.cpio');
    await writeInitramfs({ machine, parts, workspace: WORKSPACE, signal }, initramfs);
    const run: RunOptions = {
      machine,
      emulator: emulatorCommand(machine, parts.emulator.root),
      kernel: join(kernelFolder(parts), 'vmlinuz'),
      initramfs,
      packages: [parts.emulator, parts.busybox, parts.kernel].flatMap(({ packages }) => packages),
      artefacts: resolve(request.artefacts ?? join(WORKSPACE, '.cache', 'lab', machine.name)),
      limits: { boot: BOOT_LIMIT, scenario: request.timeout * 1000 },
      signal,
      progress,
    };
    const reports: ScenarioReport[] = [];
    for (const scenario of scenarios) {
      progress(`${machine.name} ${scenario.name}`);
      const report = await runScenario(scenario, run);
      reportLines(report).forEach(progress);
      reports.push(report);
    }
    progress(`evidence: ${run.artefacts}`);
    return reports;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

// The command: `node tools/lab/dist/main.js x86 [scenario …]`. Progress goes to stderr, the reports as JSON to stdout.
import { isPciRecoveryError } from '@pci-recovery/core';
import { parseCommandLine, USAGE } from './command-line.js';
import { machineNamed, runLab, type LabProcess } from './run-lab.js';
import { passed } from './session/report.js';

const EXIT = { done: 0, failed: 1, usage: 2 } as const;

const progress = (line: string): void => void process.stderr.write(`${line}\n`);

/** Ends everything orderly when the user or the system asks for it. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => stop.abort(new Error(`the lab was ended by ${name}`)));
  }
  return stop.signal;
}

async function main(args: readonly string[], context: LabProcess): Promise<number> {
  const request = parseCommandLine(args);
  if (request.list) {
    for (const { name, title } of machineNamed(request.machine).scenarios) process.stdout.write(`${name}\t${title}\n`);
    return EXIT.done;
  }
  const reports = await runLab(request, context);
  for (const report of reports) process.stdout.write(`${JSON.stringify(report)}\n`);
  return reports.every(passed) ? EXIT.done : EXIT.failed;
}

try {
  process.exitCode = await main(process.argv.slice(2), { env: process.env, signal: stopSignal(), progress });
} catch (error) {
  const usage = isPciRecoveryError(error) && error.code === 'ERR_PCI_LAB_USAGE';
  progress(
    isPciRecoveryError(error) ? `lab: ${error.message} [${error.code}]` : `lab: ${String((error as Error).stack)}`,
  );
  if (usage) progress(USAGE);
  process.exitCode = usage ? EXIT.usage : EXIT.failed;
}

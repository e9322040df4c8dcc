import { AerObserverPlatform } from '@pci-recovery/aer/linux';
import { createEngine, systemClock, type Bdf } from '@pci-recovery/core';
import { Command } from 'commander';
import { EXIT, type ExitCode } from '../exit-code.js';
import { explain } from '../failure.js';
import { writeLine, type Io } from '../io.js';
import { addressOf } from '../live/address.js';
import { linuxHost, type LinuxHost } from '../live/linux-host.js';
import { liveView } from '../live/live-view.js';
import { untilStopped } from '../live/until-stopped.js';

const EXAMPLES = `
Examples:
  pci-recovery watch                    every AER error of this machine, and how the kernel recovers from it
  pci-recovery watch 01:00.0 --json     errors that concern one function, one JSON object per line

It looks on and touches nothing: drivers and other processes keep their devices. Root sees everything; without it, severity and
source come from the kernel's counters. Goes on until it is interrupted (^C).
Exit codes: 0 interrupted, 1 the kernel cannot be followed, 2 wrong arguments.`;

/** `pci-recovery watch [BDF…]`. */
export const watchCommand = (io: Io, finish: (code: ExitCode) => void): Command =>
  new Command('watch')
    .description('Shows AER errors as they happen, and what becomes of them.')
    .argument('[bdf...]', 'only errors that concern these functions')
    .option('--json', 'one JSON object per line')
    .addHelpText('after', EXAMPLES)
    .action(async (addresses: string[], { json }: { json?: boolean }) =>
      finish(await watch(addresses, json ?? false, io, linuxHost('/', systemClock))),
    );

/** Shows what happens until `io.stop` aborts. */
export async function watch(addresses: readonly string[], json: boolean, io: Io, host: LinuxHost): Promise<ExitCode> {
  const functions = new Set(addresses.map(addressOf));
  const { clock } = host;
  // Taken before anything is set up in the kernel: a signal shall not leave it there.
  const { stop } = io;
  await noteAbsent(functions, host, io);
  await using kernel = host.kernel();
  const trouble = (error: unknown): void => void writeLine(io.stderr, `pci-recovery: ${explain(error).message}`);
  const observes = functions.size > 0 ? { observes: functions.has.bind(functions) } : {};
  await using platform = new AerObserverPlatform(kernel, clock, { trouble, ...observes });
  await using engine = createEngine({ platforms: [platform], clock });
  engine.observe(liveView(io, 'pci-recovery watch', json, clock));
  await engine.start();
  if (!json) await writeLine(io.stderr, 'Watching; end with ^C.');
  await untilStopped(stop);
  await engine.abort('The user wants an end.');
  return EXIT.done;
}

async function noteAbsent(functions: ReadonlySet<Bdf>, host: LinuxHost, io: Io): Promise<void> {
  if (functions.size === 0) return;
  const here = new Set((await host.facts()).functions.map(({ bdf }) => bdf));
  for (const bdf of functions)
    if (!here.has(bdf))
      await writeLine(
        io.stderr,
        `There is no function ${bdf} here yet (see pci-recovery list --all): it is waited for.`,
      );
}

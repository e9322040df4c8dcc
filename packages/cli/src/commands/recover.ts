import { createEngine, systemClock, type Bdf, type RecoveryOutcome } from '@pci-recovery/core';
import { AerOwnerPlatform } from '@pci-recovery/aer/linux';
import { openVfioDevice, VfioOwnership, type VfioDevice } from '@pci-recovery/vfio';
import { Command } from 'commander';
import { EXIT, type ExitCode } from '../exit-code.js';
import { CommandFailure, explain } from '../failure.js';
import { writeLine, type Io } from '../io.js';
import { addressOf } from '../live/address.js';
import { linuxHost, type LinuxHost } from '../live/linux-host.js';
import { liveView } from '../live/live-view.js';
import { operatorDriver } from '../live/operator-driver.js';
import { handlingOf } from '../live/prospect.js';
import { untilStopped } from '../live/until-stopped.js';

const EXAMPLES = `
Examples:
  pci-recovery recover 01:00.0                 what is broken of it is recovered
  pci-recovery recover 01:00.0 01:00.1 --watch both functions of a device are held, and every error is recovered until ^C

The devices have to be bound to vfio-pci, and nobody else may hold them: pci-recovery list tells what is in the way. Opening a
device resets it. Functions that share a port belong together: name them all.
Exit codes: 0 nothing was broken, or all of it was recovered, 1 it cannot be held, 2 wrong arguments, 3 it has no AER,
4 a function is not to be used again.`;

interface RecoverOptions {
  readonly watch?: boolean;
  readonly json?: boolean;
}

/** `pci-recovery recover BDF…`. */
export const recoverCommand = (io: Io, finish: (code: ExitCode) => void): Command =>
  new Command('recover')
    .description('Holds devices through VFIO and recovers them as their owner.')
    .argument('<bdf...>', 'addresses of the functions')
    .option('--watch', 'go on, and recover every error to come')
    .option('--json', 'one JSON object per line')
    .addHelpText('after', EXAMPLES)
    .action(async (addresses: string[], options: RecoverOptions) =>
      finish(await recover(addresses, options, io, linuxHost('/', systemClock))),
    );

/** Recovers what is broken of devices, and with `--watch` what breaks until `io.stop` aborts. */
export async function recover(
  addresses: readonly string[],
  { watch = false, json = false }: RecoverOptions,
  io: Io,
  host: LinuxHost,
): Promise<ExitCode> {
  const functions = [...new Set(addresses.map(addressOf))];
  // Taken before anything is held: a signal shall not end the process in the middle of a recovery.
  const { stop } = io;
  await refuseUnsupported(functions, host);
  const { clock } = host;
  await using kernel = host.kernel();
  const trouble = (error: unknown): void => void writeLine(io.stderr, `pci-recovery: ${explain(error).message}`);
  await using platform = new AerOwnerPlatform(kernel, clock, { trouble });
  await using engine = createEngine({ platforms: [platform], clock });
  const outcomes: RecoveryOutcome[] = [];
  const show = liveView(io, 'pci-recovery recover', json, clock);
  engine.observe((event) => {
    show(event);
    if (event.type === 'ended') outcomes.push(event.outcome);
  });
  const ownership = new VfioOwnership();
  await using devices = new Held();
  for (const bdf of functions) {
    const device = await openVfioDevice(bdf, { ownership, host: host.vfio, syscalls: host.syscalls(), clock });
    devices.add(device);
    engine.attach(bdf, operatorDriver(device));
    await platform.hold(device);
  }
  await engine.start();
  if (watch) await untilStopped(stop);
  await engine.close();
  return conclude(outcomes, functions, json, io);
}

async function refuseUnsupported(functions: readonly Bdf[], host: LinuxHost): Promise<void> {
  const known = (await host.facts()).functions;
  for (const bdf of functions) {
    if (!known.some((fn) => fn.bdf === bdf))
      throw new CommandFailure(EXIT.failure, `There is no function ${bdf} here: see pci-recovery list --all.`);
    const handling = await handlingOf(host.sysfs, bdf);
    if (handling !== 'aer')
      throw new CommandFailure(
        EXIT.unsupported,
        handling === 'none'
          ? `${bdf} has no AER, and no other platform reports errors of it: see pci-recovery list.`
          : `${bdf} has no AER: functions of ${handling === 'eeh' ? 'EEH' : 'zPCI'} are held by the library, not by this command (docs/vfio.md).`,
      );
  }
}

/** Devices, closed in the opposite order in which they were opened. */
class Held implements AsyncDisposable {
  readonly #devices: VfioDevice[] = [];

  add(device: VfioDevice): void {
    this.#devices.push(device);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const device of this.#devices.reverse()) await device.close();
  }
}

async function conclude(
  outcomes: readonly RecoveryOutcome[],
  functions: readonly Bdf[],
  json: boolean,
  io: Io,
): Promise<ExitCode> {
  const lost = functions.filter((bdf) => {
    const last = outcomes.filter(
      ({ result, scope }) => result !== 'ignored' && scope.members.some((one) => one.bdf === bdf),
    );
    return last.length > 0 && !last.at(-1)!.usable.some((one) => one.bdf === bdf);
  });
  if (!json) {
    const recovered = outcomes.filter(({ result }) => result === 'recovered').length;
    await writeLine(
      io.stdout,
      outcomes.length === 0 ? 'Nothing of it was broken.' : `=> ${recovered} of ${outcomes.length} recovered.`,
    );
    if (lost.length > 0) await writeLine(io.stdout, `Not to be used again: ${lost.join(', ')}.`);
  }
  return lost.length > 0 ? EXIT.notRecovered : EXIT.done;
}

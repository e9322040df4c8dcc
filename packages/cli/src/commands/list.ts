import { systemClock } from '@pci-recovery/core';
import { Command } from 'commander';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { plain } from '../decode/decoded.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { fileFailure } from '../failure.js';
import { writeLine, type Io } from '../io.js';
import { linuxHost } from '../live/linux-host.js';
import { modesOf, prospects, type Prospect } from '../live/prospect.js';
import { paletteFor, type Palette } from '../view/palette.js';

const EXAMPLES = `
Examples:
  pci-recovery list                            what recovery can do for the devices of this machine
  pci-recovery list --all --json               bridges too, one JSON object per line
  pci-recovery list --root recorded-machine    of a recorded tree: its sys, dev and proc

Root is not needed, but without it only 64 bytes of configuration space can be read.
Exit codes: 0 done, also where there is no PCI, 1 the root has no sys, 2 wrong arguments.`;

interface ListOptions {
  readonly all?: boolean;
  readonly json?: boolean;
  readonly root: string;
}

/** `pci-recovery list`. */
export const listCommand = (io: Io, finish: (code: ExitCode) => void): Command =>
  new Command('list')
    .description('Lists PCI functions, and what recovery can do for each.')
    .option('--all', 'bridges too')
    .option('--root <directory>', 'whose sys, dev and proc to read', '/')
    .option('--json', 'one JSON object per line')
    .addHelpText('after', EXAMPLES)
    .action(async (options: ListOptions) => finish(await list(options, io)));

async function list({ all, json, root }: ListOptions, io: Io): Promise<ExitCode> {
  await refuseNoRoot(root);
  const host = linuxHost(root, systemClock);
  const facts = await host.facts();
  const shown = (await prospects(facts, host.sysfs)).filter(({ fn }) => all === true || !fn.bridge);
  const paint = paletteFor(io);
  for (const prospect of shown) {
    if (json) await writeLine(io.stdout, JSON.stringify(asJson(prospect)));
    else for (const line of asText(prospect, paint)) await writeLine(io.stdout, line);
  }
  for (const { bdf, attribute, message } of facts.findings)
    await writeLine(io.stderr, `${bdf ?? 'sysfs'} ${attribute}: ${message}`);
  if (shown.length === 0) await writeLine(io.stderr, 'There is no PCI function here.');
  return EXIT.done;
}

/** @throws CommandFailure where there is no sys: what is not there has no functions, but that is not what was asked. */
async function refuseNoRoot(root: string): Promise<void> {
  const sys = join(root, 'sys');
  try {
    await readdir(sys);
  } catch (error) {
    throw fileFailure(sys, error);
  }
}

const hex = (value: number | undefined): string => (value === undefined ? '????' : value.toString(16).padStart(4, '0'));

function asText(prospect: Prospect, paint: Palette): string[] {
  const { fn, handling, counted } = prospect;
  const { owner, observer } = modesOf(prospect);
  const mode = (name: string, can: true | string): string =>
    can === true ? paint('green', `${name}: yes`) : `${name}: no, ${can.replace(/\.$/, '')}`;
  const resets = fn.resetMethods?.join(' ') ?? 'none';
  const errors = counted
    ? [`  errors since boot: ${counted.correctable} correctable, ${counted.nonfatal} non-fatal, ${counted.fatal} fatal`]
    : [];
  return [
    `${paint('bold', fn.bdf)}  ${hex(fn.vendor)}:${hex(fn.device)}  ${fn.driver ?? 'no driver'}  ${handling.toUpperCase()}`,
    `  ${mode('owner', owner)}`,
    `  ${mode('observer', observer)}`,
    `  resets: ${resets || 'switched off'}`,
    ...errors,
  ];
}

const asJson = (prospect: Prospect): unknown =>
  plain({
    bdf: prospect.fn.bdf,
    vendor: prospect.fn.vendor,
    device: prospect.fn.device,
    driver: prospect.fn.driver,
    iommuGroup: prospect.fn.iommuGroup,
    bridge: prospect.fn.bridge,
    handling: prospect.handling,
    modes: modesOf(prospect),
    resetMethods: prospect.fn.resetMethods,
    counted: prospect.counted,
    obstacles: prospect.diagnosis.obstacles,
  });

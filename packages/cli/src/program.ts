import { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { conformanceCommand } from './commands/conformance.js';
import { decodeCommand } from './commands/decode.js';
import { listCommand } from './commands/list.js';
import { recoverCommand } from './commands/recover.js';
import { simulateCommand } from './commands/simulate.js';
import { watchCommand } from './commands/watch.js';
import { type ExitCode } from './exit-code.js';
import { type Io } from './io.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const EXAMPLES = `
Examples:
  pci-recovery list                                  what recovery can do for the devices of this machine
  pci-recovery watch                                 AER errors as they happen, and what becomes of them
  pci-recovery recover 01:00.0                       holds a device through VFIO and recovers it
  pci-recovery simulate                              a fatal error on simulated hardware, step by step
  pci-recovery simulate --list                       the faults that can be simulated
  lspci -xxxx | pci-recovery decode -                what the error registers of this machine say
  pci-recovery conformance --platform aer            does the backend obey its platform's law?

Exit codes: 0 done, 1 failure, 2 usage, 3 not supported here, 4 device not recovered.`;

/** The command with all that belongs to it; `finish` gets the exit code. */
export function program(io: Io, finish: (code: ExitCode) => void): Command {
  const command = new Command('pci-recovery')
    .description('Recovers PCI devices after hardware errors.')
    .version(version)
    .addHelpText('after', EXAMPLES)
    .helpCommand(false);
  const commands = [listCommand, watchCommand, recoverCommand, simulateCommand, decodeCommand, conformanceCommand];
  for (const sub of commands) command.addCommand(sub(io, finish));
  command.addCommand(helpCommand(command));
  for (const one of [command, ...command.commands]) {
    const words = one === command ? '' : `${one.name()} `;
    one.showHelpAfterError(`(pci-recovery ${words}--help tells more)`);
    one.exitOverride().configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'pci-recovery: ')),
    });
  }
  return command;
}

/** `pci-recovery help [COMMAND]`. Commander's own answers an unknown name with the whole help, and does not say what was wrong. */
const helpCommand = (command: Command): Command =>
  new Command('help')
    .description('Explains a command.')
    .argument('[command]', 'which one')
    .action((name?: string) => {
      const one = name === undefined ? command : command.commands.find((sub) => sub.name() === name);
      if (one === undefined) command.error(`error: unknown command '${name!}'`);
      one.outputHelp();
    });

import 'reflect-metadata';
import { CommanderError } from 'commander';
import { EXIT, type ExitCode } from './exit-code.js';
import { explain } from './failure.js';
import { type Io } from './io.js';
import { program } from './program.js';

/** Runs the command: never exits, never throws; the answer is the exit code. */
export async function main(args: readonly string[], io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  try {
    const command = program(io, (code) => (exitCode = code));
    if (args.length === 0) {
      command.outputHelp({ error: true });
      return EXIT.usage;
    }
    await command.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has said already what was wrong.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const { exitCode: code, message } = explain(error);
    io.stderr.write(`pci-recovery: ${message}\n`);
    return code;
  }
}

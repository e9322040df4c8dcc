import { isPciRecoveryError } from '@pci-recovery/core';
import { EXIT, type ExitCode } from './exit-code.js';

/** Ends the command with a message on stderr. */
export class CommandFailure extends Error {
  constructor(
    readonly exitCode: ExitCode,
    message: string,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  EPERM: 'operation not permitted',
  ENOTDIR: 'a part of its path is no directory',
  ENOSPC: 'no space left on the device',
};

/** What the system's error means, without a full stop. */
export function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return REASONS[code] ?? String(error);
}

/** An error of the file system as one sentence about the file. */
export function fileFailure(file: string, error: unknown): CommandFailure {
  return new CommandFailure(EXIT.failure, `Cannot read ${file}: ${reasonOf(error)}.`, error);
}

/** Errors of libraries that mean wrong arguments. */
const MISUSE: ReadonlySet<string> = new Set(['ERR_PCI_UNKNOWN_CASE']);

/** What an error means for the exit code, and the sentence about it. */
export function explain(error: unknown): { exitCode: ExitCode; message: string } {
  if (error instanceof CommandFailure) return { exitCode: error.exitCode, message: error.message };
  if (isPciRecoveryError(error))
    return {
      exitCode: MISUSE.has(error.code) ? EXIT.usage : EXIT.failure,
      message: `${error.message} [${error.code}]`,
    };
  return { exitCode: EXIT.failure, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

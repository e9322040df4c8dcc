import { EXIT, type ExitCode } from './exit-code.js';
import { reasonOf } from './failure.js';
import { type Io } from './io.js';

/** What is needed of node's `process`. */
export type HostProcess = Pick<NodeJS.Process, 'stdin' | 'stdout' | 'stderr' | 'env' | 'once' | 'exit'>;

/** The command's surroundings as a process has them. */
export interface ProcessIo extends Io {
  /** The exit code of a command that ended with `code`: output that was lost is a failure. */
  exitCode(code: ExitCode): ExitCode;
}

/**
 * A process's streams and signals. A signal ends the process at once, unless the command has read `stop`: then the first one
 * asks it for an orderly end, and the second one ends it. The same for output that nobody takes any more: a reader that has
 * seen enough (`| head`) is no failure, a full disk is one.
 */
export function processIo(process: HostProcess): ProcessIo {
  const { stdin, stdout, stderr, env } = process;
  let stop: AbortController | undefined;
  let lost = false;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    const enough = error.code === 'EPIPE';
    if (!enough && !lost) stderr.write(`pci-recovery: Cannot write: ${reasonOf(error)}.\n`);
    lost ||= !enough;
    if (stop) stop.abort();
    else process.exit(enough ? EXIT.done : EXIT.failure);
  });
  // There is nobody left who could be told.
  stderr.on('error', () => undefined);
  return {
    stdin,
    stdout,
    stderr,
    env,
    get stop() {
      if (!stop) {
        const taken = (stop = new AbortController());
        for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => taken.abort());
      }
      return stop.signal;
    },
    exitCode: (code) => (code === EXIT.done && lost ? EXIT.failure : code),
  };
}

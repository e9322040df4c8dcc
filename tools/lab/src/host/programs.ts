import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { buffer, text } from 'node:stream/consumers';
import { labError } from '../failure.js';

/** Every process that this one started and that still runs. */
const running = new Set<ChildProcess>();

// Whatever way this process ends, it leaves none behind.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts a process that ends no later than this one, or when `options.signal` aborts. */
export function startOwn(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(program, args, { killSignal: 'SIGKILL', ...options });
  running.add(child);
  for (const event of ['exit', 'error']) child.on(event, () => running.delete(child));
  return child;
}

/** How a process ended. */
export interface ProcessEnd {
  readonly status: number | null;
  /** The signal that killed it. */
  readonly killer: NodeJS.Signals | null;
}

/** Fulfilled when the process is really gone, also when it was aborted; rejected when it could not be started. */
export const processEnd = (child: ChildProcess): Promise<ProcessEnd> =>
  new Promise((resolve, reject) => {
    child.once('close', (status, killer) => resolve({ status, killer }));
    // An abort is an error too, but the process has yet to end then.
    child.on('error', (error) => {
      if (child.pid === undefined) reject(error);
    });
  });

/** How a program is run. */
export interface RunOptions {
  /** What to do when the program is not there, as the end of a sentence: "install xz-utils". */
  readonly hint: string;
  readonly signal: AbortSignal;
  readonly input?: Uint8Array;
  readonly cwd?: string;
  /** Exit codes that are no failure. Default: 0 only. */
  readonly accept?: readonly number[];
}

/** What a program printed. */
export interface ProgramOutput {
  readonly stdout: Buffer;
  readonly stderr: string;
}

const lastWords = (said: string): string => said.trim().split('\n').slice(-3).join('\n');

function failed(program: string, args: readonly string[], error: unknown, { hint, signal }: RunOptions): Error {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
    return labError('PROGRAM_MISSING', `${program} is not there: ${hint}.`, { context: { program } });
  }
  if (signal.aborted) return labError('TIMEOUT', `${program} was stopped.`, { cause: signal.reason });
  return labError('PROGRAM_FAILED', `${program} ${args.slice(0, 2).join(' ')} failed: ${String(error)}`, {
    context: { program },
    cause: error,
  });
}

/**
 * Runs a program of this machine to its end.
 * @throws PciRecoveryError `ERR_PCI_LAB_PROGRAM_MISSING`, `ERR_PCI_LAB_PROGRAM_FAILED` with its last words, or
 * `ERR_PCI_LAB_TIMEOUT` when `signal` aborts.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: RunOptions,
): Promise<ProgramOutput> {
  const { signal, input, cwd, accept = [0] } = options;
  const child = startOwn(program, args, { signal, stdio: 'pipe', ...(cwd !== undefined && { cwd }) });
  try {
    const ended = processEnd(child);
    // A program that ends early is noticed by its exit code.
    child.stdin!.on('error', () => undefined).end(input);
    const [{ status }, stdout, stderr] = await Promise.all([ended, buffer(child.stdout!), text(child.stderr!)]);
    if (status !== null && accept.includes(status)) return { stdout, stderr };
    throw new Error(lastWords(stderr) || `it ended with ${status}.`);
  } catch (error) {
    throw failed(program, args, error, options);
  }
}

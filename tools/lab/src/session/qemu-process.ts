import { type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { labError } from '../failure.js';
import { processEnd, startOwn } from '../host/programs.js';

const lastLines = (said: string): string => said.trim().split('\n').slice(-6).join('\n');

/** One process of QEMU. Disposing it kills it, by its own number. */
export class QemuProcess implements AsyncDisposable {
  readonly #process: ChildProcess;
  /** Fulfilled when it has ended, with what that means to those who wait for the machine. */
  readonly ended: Promise<Error>;

  /** `commandLine`: program and arguments. `consoleLog`: where QEMU writes the guest's console. */
  constructor(commandLine: readonly string[], consoleLog: string, signal: AbortSignal) {
    const [program = '', ...args] = commandLine;
    this.#process = startOwn(program, args, { signal, stdio: ['ignore', 'ignore', 'pipe'] });
    this.ended = endOf(this.#process, consoleLog);
  }

  /** What `promise` gives, unless QEMU ends before: then it fails with why. */
  whileRunning<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.ended.then((error) => Promise.reject(error))]);
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.ended;
  }
}

/** What QEMU and the console of the guest said last. */
async function lastWords(stderr: Promise<string>, consoleLog: string): Promise<string> {
  const said = lastLines(await stderr);
  const guest = existsSync(consoleLog) ? lastLines(await readFile(consoleLog, 'utf8')) : '';
  return [said, guest].filter(Boolean).join('\n');
}

async function endOf(qemu: ChildProcess, consoleLog: string): Promise<Error> {
  const stderr = text(qemu.stderr!).catch(() => '');
  try {
    const { status, killer } = await processEnd(qemu);
    const how = killer === null ? `with status ${status}` : `by ${killer}`;
    return labError('MACHINE', `QEMU ended ${how}. ${await lastWords(stderr, consoleLog)}`.trim());
  } catch (error) {
    return labError('MACHINE', `QEMU cannot be run: ${String(error)}`, { cause: error });
  }
}

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type AgentMethods, type ProcessMessage } from '../channel/protocol.js';

/** Programs that run on beside the agent; what they print goes to the driver line by line. */
export class Processes {
  readonly #running = new Map<number, ChildProcessWithoutNullStreams>();
  readonly #say: (message: ProcessMessage) => void;
  #last = 0;

  constructor(say: (message: ProcessMessage) => void) {
    this.#say = say;
  }

  /** @throws Error when the program cannot be started. */
  async start({ argv: [program = '', ...args] }: AgentMethods['start']['params']): Promise<number> {
    const child = spawn(program, args, { stdio: 'pipe' });
    // A program that ends while it is written to is noticed by its end.
    child.stdin.on('error', () => undefined);
    await once(child, 'spawn');
    const process = ++this.#last;
    this.#running.set(process, child);
    const printed = (['stdout', 'stderr'] as const).map((to) => {
      const lines = createInterface({ input: child[to] });
      lines.on('line', (line) => this.#say({ event: 'printed', process, to, line }));
      return once(lines, 'close');
    });
    child.once('exit', (status, signal) => {
      this.#running.delete(process);
      void Promise.all(printed).then(() => this.#say({ event: 'exited', process, status, signal }));
    });
    return process;
  }

  feed({ process, line }: AgentMethods['feed']['params']): null {
    this.#find(process).stdin.write(`${line}\n`);
    return null;
  }

  kill({ process, signal }: AgentMethods['kill']['params']): null {
    this.#find(process).kill(signal);
    return null;
  }

  #find(process: number): ChildProcessWithoutNullStreams {
    const found = this.#running.get(process);
    if (found) return found;
    throw new Error(`There is no process ${process}, or it has ended.`);
  }
}

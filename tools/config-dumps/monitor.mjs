// QEMU's monitor protocol (QMP): a line of JSON for each command, answer and event.
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { lineReader } from './lines.mjs';

/** The monitor behind a socket file. */
export class Monitor {
  #socket;
  #nextLine;

  static async connect(path, signal) {
    const monitor = new Monitor();
    monitor.#socket = createConnection(path);
    await once(monitor.#socket, 'connect', { signal });
    monitor.#nextLine = lineReader(monitor.#socket, 'The monitor of QEMU', signal);
    await monitor.#nextLine();
    await monitor.#execute('qmp_capabilities');
    return monitor;
  }

  /** Runs a command of the human monitor, and returns what it prints. */
  run(commandLine) {
    return this.#execute('human-monitor-command', { 'command-line': commandLine });
  }

  close() {
    this.#socket.destroy();
  }

  async #execute(command, parameters = {}) {
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: parameters })}\n`);
    for (;;) {
      const answer = JSON.parse(await this.#nextLine());
      if (answer.error) throw new Error(`QEMU refused ${command}: ${answer.error.desc}`);
      if ('return' in answer) return answer.return;
    }
  }
}

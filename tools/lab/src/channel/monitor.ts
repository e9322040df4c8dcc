import { type Socket } from 'node:net';
import { labError } from '../failure.js';
import { jsonLine, JsonLines } from './json-lines.js';
import { Requests } from './requests.js';

/** An event of QEMU (QMP: docs/interop/qmp-spec). */
export interface MonitorEvent {
  readonly event: string;
  readonly data?: unknown;
}

/** What QEMU may say. */
type MonitorMessage =
  | { readonly QMP: unknown }
  | MonitorEvent
  | { readonly id: number; readonly return: unknown }
  | { readonly id: number; readonly error: { readonly class: string; readonly desc: string } };

/** QEMU's monitor protocol: a line of JSON for each command, answer and event. */
export class Monitor implements Disposable {
  readonly #socket: Socket;
  readonly #requests = new Requests();
  /** Every event so far, in order. */
  readonly events: MonitorEvent[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    const lines = new JsonLines();
    socket.on('data', (piece: Buffer) => {
      for (const message of lines.feed(piece)) this.#take(message as MonitorMessage);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#requests.close(labError('MACHINE', 'The monitor of QEMU is gone.')));
  }

  /** Negotiates with QEMU at the other end of `socket`. */
  static async open(socket: Socket, signal: AbortSignal): Promise<Monitor> {
    const monitor = new Monitor(socket);
    await monitor.execute('qmp_capabilities', {}, signal);
    return monitor;
  }

  /** @throws PciRecoveryError `ERR_PCI_LAB_MONITOR` when QEMU refuses. */
  execute(command: string, parameters: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<unknown> {
    const send = (id: number): void => {
      this.#socket.write(jsonLine({ execute: command, arguments: parameters, id }));
    };
    return this.#requests.ask(`The monitor command ${command}`, send, signal);
  }

  /** Runs a command of the human monitor; what it prints. */
  async human(commandLine: string, signal: AbortSignal): Promise<string> {
    return String(await this.execute('human-monitor-command', { 'command-line': commandLine }, signal));
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #take(message: MonitorMessage): void {
    if ('event' in message) this.events.push(message);
    else if ('return' in message) this.#requests.answer(message.id, message.return);
    else if ('error' in message) {
      const { desc, class: kind } = message.error;
      this.#requests.refuse(message.id, labError('MONITOR', `QEMU refused: ${desc}`, { context: { class: kind } }));
    }
  }
}

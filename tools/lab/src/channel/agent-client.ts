import { type Socket } from 'node:net';
import { labError } from '../failure.js';
import { jsonLine, JsonLines } from './json-lines.js';
import { type AgentMessage, type AgentMethods, type ProcessMessage, type StreamName } from './protocol.js';
import { Requests } from './requests.js';

/** What the agent says of its guest when it is there. */
export type Ready = Omit<Extract<AgentMessage, { event: 'ready' }>, 'event'>;

/** Who is told what the agent says by itself. */
export interface AgentListener {
  line(stream: StreamName, line: string): void;
  said(text: string): void;
  /** Of a program that was started. */
  process(message: ProcessMessage): void;
}

/** The driver's end of the channel to the agent. */
export class AgentClient implements Disposable {
  readonly #socket: Socket;
  readonly #requests = new Requests();
  readonly #listener: AgentListener;
  #ready!: (ready: Ready) => void;
  /** Fulfilled when the agent is there; rejected when the channel ends before. */
  readonly ready: Promise<Ready>;

  constructor(socket: Socket, listener: AgentListener) {
    this.#socket = socket;
    this.#listener = listener;
    this.ready = new Promise((resolve) => (this.#ready = resolve));
    const lines = new JsonLines();
    socket.on('data', (piece: Buffer) => {
      for (const message of lines.feed(piece)) this.#take(message as AgentMessage);
    });
    socket.on('error', () => undefined);
  }

  /** @throws PciRecoveryError `ERR_PCI_LAB_GUEST` when it fails in the guest. */
  async call<Name extends keyof AgentMethods>(
    method: Name,
    params: AgentMethods[Name]['params'],
    signal: AbortSignal,
  ): Promise<AgentMethods[Name]['result']> {
    const send = (id: number): void => {
      this.#socket.write(jsonLine({ id, method, params }));
    };
    const answer = await this.#requests.ask(`"${method}" in the guest`, send, signal);
    return answer;
  }

  /** The machine has ended: whatever is waited for fails with `error`. */
  close(error: Error): void {
    this.#requests.close(error);
  }

  [Symbol.dispose](): void {
    this.close(labError('MACHINE', 'The guest was ended.'));
    this.#socket.destroy();
  }

  #take(message: AgentMessage): void {
    if ('result' in message) this.#requests.answer(message.id, message.result);
    else if ('error' in message) this.#requests.refuse(message.id, labError('GUEST', `In the guest: ${message.error}`));
    else if (message.event === 'ready') this.#ready(message);
    else if (message.event === 'line') this.#listener.line(message.stream, message.line);
    else if (message.event === 'said') this.#listener.said(message.text);
    else this.#listener.process(message);
  }
}

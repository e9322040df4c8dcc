import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { labError } from '../failure.js';

/** A socket file at which one program is expected: QEMU connects to it, so nobody has to poll for QEMU's. */
export class Listener implements Disposable {
  readonly #server: Server;
  readonly #connected: Promise<Socket>;

  private constructor(server: Server) {
    this.#server = server;
    this.#connected = new Promise((resolve) => server.once('connection', resolve));
  }

  /** Listens at `path`, which must be shorter than 108 bytes (unix(7)). */
  static async at(path: string): Promise<Listener> {
    const server = createServer();
    const listener = new Listener(server);
    server.listen(path);
    await once(server, 'listening');
    return listener;
  }

  /** @throws PciRecoveryError `ERR_PCI_LAB_TIMEOUT` when nobody connects before `signal` aborts. */
  accept(signal: AbortSignal): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const aborted = (): void =>
        reject(labError('TIMEOUT', 'QEMU did not connect in time.', { cause: signal.reason }));
      if (signal.aborted) return aborted();
      signal.addEventListener('abort', aborted, { once: true });
      void this.#connected.then((socket) => {
        signal.removeEventListener('abort', aborted);
        resolve(socket);
      });
    });
  }

  [Symbol.dispose](): void {
    this.#server.close();
  }
}

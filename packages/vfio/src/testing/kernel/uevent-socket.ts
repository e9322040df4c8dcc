import { type KernelFile, type Received } from './open-file.js';
import { errno } from './outcome.js';
import { Wakeup } from './wakeup.js';

/** A datagram for uevent sockets: who sent it (netlink port id; 0: the kernel). */
export interface NetlinkDatagram {
  readonly bytes: Uint8Array;
  readonly sender: number;
}

/** What one datagram costs of the receive buffer besides its bytes (net/core/skbuff.c: the truesize of an skb). */
const OVERHEAD = 768;

/** A NETLINK_KOBJECT_UEVENT socket: it loses what does not fit, and says so once with ENOBUFS. */
export class UeventSocket implements KernelFile {
  readonly kind = 'uevents';
  readonly name: string;
  readonly wakeup = new Wakeup(() => this.#queue.length > 0 || this.#overrun);
  readonly #room: number;
  readonly #ended: () => void;
  readonly #queue: NetlinkDatagram[] = [];
  #filled = 0;
  #overrun = false;

  /** @param room SO_RCVBUF in bytes; the kernel doubles it (net/core/sock.c:__sock_set_rcvbuf) */
  constructor(number: number, room: number, ended: () => void) {
    this.name = `socket:[${number}]`;
    this.#room = Math.max(room * 2, 2304);
    this.#ended = ended;
  }

  deliver(datagram: NetlinkDatagram): void {
    const size = datagram.bytes.byteLength + OVERHEAD;
    if (this.#filled + size > this.#room) this.#overrun = true;
    else {
      this.#queue.push(datagram);
      this.#filled += size;
    }
    this.wakeup.wake();
  }

  receive(buffer: Uint8Array): Received {
    const nothing = { truncated: false, sender: 0, files: [] };
    if (this.#overrun) {
      this.#overrun = false;
      return { result: errno('ENOBUFS'), ...nothing };
    }
    const datagram = this.#queue.shift();
    if (!datagram) return { result: errno('EAGAIN'), ...nothing };
    this.#filled -= datagram.bytes.byteLength + OVERHEAD;
    const taken = Math.min(datagram.bytes.byteLength, buffer.byteLength);
    buffer.set(datagram.bytes.subarray(0, taken));
    return { result: taken, truncated: taken < datagram.bytes.byteLength, sender: datagram.sender, files: [] };
  }

  read(buffer: Uint8Array): number {
    return this.receive(buffer).result;
  }

  release(): void {
    this.#ended();
  }
}

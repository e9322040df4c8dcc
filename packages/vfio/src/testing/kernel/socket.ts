import { type KernelFile, type Passed, type Received } from './open-file.js';
import { errno } from './outcome.js';
import { Wakeup } from './wakeup.js';

/** How messages keep apart: not at all, or one by one. */
export type SocketKind = 'stream' | 'seqpacket';

/** What a socket holds before its sender gets EAGAIN (net.core.wmem_default of most machines). */
const MOST_BYTES = 212_992;

/** Longest control message (include/net/scm.h:SCM_MAX_FD). */
export const MOST_PASSED = 253;

const NOTHING = { truncated: false, sender: 0, files: [] } as const;

/** One end of a connected pair of unix sockets, non-blocking (net/unix/af_unix.c). */
export class UnixSocket implements KernelFile {
  readonly kind = 'socket';
  readonly name: string;
  readonly wakeup = new Wakeup(() => this.#queue.length > 0 || this.#peer === undefined);
  readonly #kind: SocketKind;
  readonly #queue: Passed[] = [];
  #peer: UnixSocket | undefined;

  private constructor(kind: SocketKind, number: number) {
    this.#kind = kind;
    this.name = `socket:[${number}]`;
  }

  static pair(kind: SocketKind, number: number): readonly [UnixSocket, UnixSocket] {
    const ends = [new UnixSocket(kind, number), new UnixSocket(kind, number + 1)] as const;
    ends[0].#peer = ends[1];
    ends[1].#peer = ends[0];
    return ends;
  }

  /** Descriptors are duplicated as the message leaves, so the sender may close its own. */
  send({ bytes, files }: Passed): number {
    const peer = this.#peer;
    if (!peer) return errno('EPIPE');
    if (peer.#filled + bytes.byteLength > MOST_BYTES) return errno('EAGAIN');
    if (this.#kind === 'stream' && bytes.byteLength === 0) return 0;
    peer.#queue.push({ bytes: bytes.slice(), files: files.map((file) => file.hold()) });
    peer.wakeup.wake();
    return bytes.byteLength;
  }

  receive(buffer: Uint8Array): Received {
    const message = this.#queue.shift();
    if (!message) return { result: this.#peer ? errno('EAGAIN') : 0, ...NOTHING };
    const taken = Math.min(message.bytes.byteLength, buffer.byteLength);
    buffer.set(message.bytes.subarray(0, taken));
    const cut = taken < message.bytes.byteLength;
    // The rest of a stream stays, its descriptors went with the first byte.
    if (cut && this.#kind === 'stream') this.#queue.unshift({ bytes: message.bytes.slice(taken), files: [] });
    return { result: taken, truncated: cut && this.#kind !== 'stream', sender: 0, files: message.files };
  }

  read(buffer: Uint8Array): number {
    const { result, files } = this.receive(buffer);
    for (const file of files) file.drop();
    return result;
  }

  write(buffer: Uint8Array): number {
    return this.send({ bytes: buffer, files: [] });
  }

  release(): void {
    for (const { files } of this.#queue.splice(0)) for (const file of files) file.drop();
    const peer = this.#peer;
    this.#peer = undefined;
    if (!peer) return;
    peer.#peer = undefined;
    peer.wakeup.wake();
  }

  get #filled(): number {
    return this.#queue.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  }
}

import { StreamFile, type StreamKind } from '../kernel/plain-files.js';

interface Feed {
  readonly kind: StreamKind;
  readonly files: Set<StreamFile>;
}

const KMSG = '/dev/kmsg';

/** Files that tell what happens: `/dev/kmsg`, trace pipes, and whatever a test feeds. Every opener gets it all from then on. */
export class HostStreams {
  readonly #feeds = new Map<string, Feed>([[KMSG, { kind: 'records', files: new Set() }]]);
  #sequence = 1;
  #microseconds = 1_000_000;

  /** Makes a stream at a path. */
  add(path: string, kind: StreamKind): void {
    if (!this.#feeds.has(path)) this.#feeds.set(path, { kind, files: new Set() });
  }

  open(path: string): StreamFile | undefined {
    const feed = this.#feeds.get(path) ?? (path.endsWith('/trace_pipe') ? this.#newPipe(path) : undefined);
    if (!feed) return undefined;
    const file: StreamFile = new StreamFile(path, feed.kind, () => void feed.files.delete(file));
    feed.files.add(file);
    return file;
  }

  /** Feeds a stream that there is. */
  feed(path: string, bytes: Uint8Array): void {
    for (const file of this.#feeds.get(path)?.files ?? []) file.give(bytes);
  }

  /** A line of the kernel's log (Documentation/ABI/testing/dev-kmsg). */
  log(text: string, level = 4): void {
    this.#microseconds += 10;
    this.feed(KMSG, Buffer.from(`${level},${this.#sequence++},${this.#microseconds},-;${text}\n`));
  }

  /** A `ras:aer_event` in every trace pipe that is open. */
  trace(message: string): void {
    const line = `          <idle>-0       [000] d.h1.   ${(this.#microseconds / 1e6).toFixed(6)}: aer_event: ${message}\n`;
    for (const path of this.#feeds.keys()) if (path.endsWith('/trace_pipe')) this.feed(path, Buffer.from(line));
  }

  #newPipe(path: string): Feed {
    const feed: Feed = { kind: 'bytes', files: new Set() };
    this.#feeds.set(path, feed);
    return feed;
  }
}

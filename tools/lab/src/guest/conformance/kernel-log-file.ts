import { closeSync, constants, openSync, readSync } from 'node:fs';

const LONGEST_RECORD = 8192;

const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown }).code;

/** `/dev/kmsg`, read when somebody wants to know: it keeps what was not read. */
export class KernelLogFile implements Disposable {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(LONGEST_RECORD);

  constructor(path = '/dev/kmsg') {
    this.#fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  /** Messages since the last time. */
  read(): string[] {
    const texts: string[] = [];
    for (let record = this.#next(); record !== undefined; record = this.#next()) {
      const [first = ''] = record.split('\n');
      if (record !== '') texts.push(first.slice(first.indexOf(';') + 1));
    }
    return texts;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  /** One record; empty: some were overwritten; undefined: there is none. */
  #next(): string | undefined {
    try {
      const length = readSync(this.#fd, this.#buffer);
      return length === 0 ? undefined : this.#buffer.toString('utf8', 0, length);
    } catch (error) {
      if (codeOf(error) === 'EPIPE') return '';
      if (codeOf(error) === 'EAGAIN') return undefined;
      throw error;
    }
  }
}

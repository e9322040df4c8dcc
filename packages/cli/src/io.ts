import { type Readable, type Writable } from 'node:stream';

/** Where the command reads and writes. Data goes to stdout, everything else to stderr. */
export interface Io {
  readonly stdin: Readable;
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * Aborts when the user wants an end (SIGINT, SIGTERM). Absent: nobody will. Only who ends in order then reads it: whoever has
   * not is ended at once.
   */
  readonly stop?: AbortSignal;
}

/** Writes a line, and waits when the reader is slow. It never rejects: the stream's owner hears of what cannot be written. */
export function writeLine(stream: Writable, line: string): Promise<void> {
  return new Promise((resolve) => void stream.write(`${line}\n`, () => resolve()));
}

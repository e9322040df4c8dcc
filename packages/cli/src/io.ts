import { type Readable, type Writable } from 'node:stream';

/** Where the command reads and writes. Data goes to stdout, everything else to stderr. */
export interface Io {
  readonly stdin: Readable;
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the user wants an end (SIGINT, SIGTERM): commands that go on for ever end in order then. Absent: nobody will. */
  readonly stop?: AbortSignal;
}

/** Writes a line, and waits when the reader is slow. A reader that went away is no error of ours. */
export function writeLine(stream: Writable, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(`${line}\n`, (error) => {
      if (!error || (error as NodeJS.ErrnoException).code === 'EPIPE') resolve();
      else reject(error);
    });
  });
}

import { Readable, Writable } from 'node:stream';
import { type Io } from '../src/io.js';

/** An {@link Io} that keeps what is written. */
export interface CapturedIo extends Io {
  out(): string;
  err(): string;
}

const collector = (isTTY: boolean): { stream: Writable & { isTTY?: boolean }; text: () => string } => {
  const chunks: Buffer[] = [];
  const stream = new Writable({ write: (chunk: Buffer, _, done) => (chunks.push(chunk), done()) });
  return { stream: Object.assign(stream, { isTTY }), text: () => Buffer.concat(chunks).toString() };
};

/** Runs with given standard input, environment and kind of output. */
export function capturedIo(
  options: { input?: string | Uint8Array; env?: Record<string, string>; isTTY?: boolean } = {},
): CapturedIo {
  const out = collector(options.isTTY ?? false);
  const err = collector(false);
  const stdin = Readable.from(options.input === undefined ? [] : [Buffer.from(options.input)]);
  return { stdin, stdout: out.stream, stderr: err.stream, env: options.env ?? {}, out: out.text, err: err.text };
}

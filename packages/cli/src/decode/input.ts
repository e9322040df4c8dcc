import { createReadStream } from 'node:fs';
import { type Readable } from 'node:stream';
import { CommandFailure, fileFailure } from '../failure.js';
import { EXIT } from '../exit-code.js';

/** More than any machine's `lspci -xxxx`: 64 Ki functions have about 1.1 GiB of text. */
export const MOST_BYTES = 256 * 1024 * 1024;

/**
 * Reads a file, or standard input for `-`, as a whole.
 * @throws CommandFailure when it cannot be read, or is larger than {@link MOST_BYTES}.
 */
export async function readInput(file: string, stdin: Readable): Promise<Uint8Array> {
  const stream = file === '-' ? stdin : createReadStream(file);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer | string>) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      length += bytes.length;
      if (length > MOST_BYTES)
        throw new CommandFailure(EXIT.failure, `${nameOf(file)} has more than ${MOST_BYTES} bytes: split it.`);
      chunks.push(bytes);
    }
  } catch (error) {
    throw error instanceof CommandFailure ? error : fileFailure(nameOf(file), error);
  }
  return Buffer.concat(chunks, length);
}

/** How messages call the input. */
export const nameOf = (file: string): string => (file === '-' ? 'standard input' : file || '""');

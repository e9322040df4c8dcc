import { StringDecoder } from 'node:string_decoder';

/** Puts lines of JSON together from the pieces in which a stream delivers them. */
export class JsonLines {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  /**
   * The values that are complete with this piece.
   * @throws SyntaxError when a line is not JSON.
   */
  feed(piece: Uint8Array): readonly unknown[] {
    const lines = (this.#rest + this.#decoder.write(Buffer.from(piece))).split('\n');
    this.#rest = lines.pop()!;
    return lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as unknown);
  }
}

/** A value as a line. */
export const jsonLine = (value: unknown): string => `${JSON.stringify(value)}\n`;

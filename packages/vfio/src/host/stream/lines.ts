/** Makes lines of bytes that come in pieces. A line that is too long is dropped and reported, so memory is bounded. */
export class LineAssembler {
  readonly #longest: number;
  readonly #line: (line: string) => void;
  readonly #tooLong: () => void;
  readonly #decoder = new TextDecoder('latin1');
  #rest = '';
  #skipping = false;

  /** @param longest characters of a line that are kept. Bytes are read as Latin-1: what matters is ASCII. */
  constructor(longest: number, line: (line: string) => void, tooLong: () => void) {
    this.#longest = longest;
    this.#line = line;
    this.#tooLong = tooLong;
  }

  feed(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes);
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      this.#add(text.slice(start, end));
      this.#ends();
      start = end + 1;
    }
    this.#add(text.slice(start));
  }

  #add(piece: string): void {
    if (this.#skipping) return;
    if (this.#rest.length + piece.length > this.#longest) {
      this.#skipping = true;
      this.#rest = '';
    } else this.#rest += piece;
  }

  #ends(): void {
    const line = this.#rest;
    const skipped = this.#skipping;
    this.#rest = '';
    this.#skipping = false;
    if (skipped) this.#tooLong();
    else this.#line(line);
  }
}

import { FILE_TYPE, type CpioEntry } from './cpio.js';

/** The files of a guest: what is put in comes out as entries of an archive, folders before what is in them. */
export class FileTree {
  readonly #entries = new Map<string, CpioEntry>();

  directory(path: string): this {
    const clean = path.replace(/^\/+|\/+$/g, '');
    if (clean === '' || this.#entries.has(clean)) return this;
    this.#parent(clean);
    this.#entries.set(clean, { path: clean, mode: FILE_TYPE.directory | 0o755 });
    return this;
  }

  file(path: string, content: Uint8Array | string, permissions = 0o644): this {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    return this.#add(path, { mode: FILE_TYPE.file | permissions, content: bytes });
  }

  link(path: string, target: string): this {
    return this.#add(path, { mode: FILE_TYPE.link | 0o777, content: Buffer.from(target) });
  }

  characterDevice(path: string, major: number, minor: number): this {
    return this.#add(path, { mode: FILE_TYPE.characterDevice | 0o600, device: { major, minor } });
  }

  has(path: string): boolean {
    return this.#entries.has(path.replace(/^\/+/, ''));
  }

  entries(): Iterable<CpioEntry> {
    return this.#entries.values();
  }

  #add(path: string, entry: Omit<CpioEntry, 'path'>): this {
    const clean = path.replace(/^\/+/, '');
    this.#parent(clean);
    this.#entries.set(clean, { path: clean, ...entry });
    return this;
  }

  #parent(path: string): void {
    const slash = path.lastIndexOf('/');
    if (slash > 0) this.directory(path.slice(0, slash));
  }
}

import { PciRecoveryError } from '@pci-recovery/core';
import { constants } from 'node:fs';
import { access, open, opendir, readlink, realpath, type FileHandle } from 'node:fs/promises';
import { errnoOf, refusedFileCall } from '../errno.js';
import { joinParts, type PathParts } from './path.js';

/** Most bytes of a text attribute: a page, and the largest pages have 64 KiB. */
export const LONGEST_FILE = 65_536;

/** Most entries of a directory that are looked at. */
export const MOST_ENTRIES = 100_000;

const ABSENT = new Set(['ENOENT', 'ENOTDIR']);
const { O_RDONLY, O_WRONLY, O_TRUNC, O_NONBLOCK, O_NOFOLLOW } = constants;

/** What may be done with a file, by its permission bits and by who asks. */
export type Access = 'usable' | 'denied' | 'absent';

/**
 * Files below a root directory: `/sys`, `/proc`, `/dev`, or a recorded tree. Paths are made of names; what a link leads
 * out of the root to is never opened. What is read is bounded.
 */
export class HostDirectory {
  readonly root: string;
  #real: Promise<string> | undefined;

  constructor(root: string) {
    this.root = root;
  }

  /**
   * A file's bytes; undefined where there is no such file.
   * @throws PciRecoveryError `ERR_PCI_FILE_TOO_LARGE` when there are more than `most`, `ERR_PCI_PATH_ESCAPES` when it is
   * outside of the root, `ERR_PCI_NOT_A_FILE`, and what the kernel refused.
   */
  readBytes(parts: PathParts, most = LONGEST_FILE): Promise<Uint8Array | undefined> {
    return this.#whereItIs(parts, 'read', async (path) => {
      const file = await open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
      try {
        await this.#checkFile(file, parts);
        return await this.#readAll(file, parts, most);
      } finally {
        await file.close();
      }
    });
  }

  /** A file's text (UTF-8) without the final newline; undefined where there is no such file. Throws as {@link readBytes}. */
  async readText(parts: PathParts, most?: number): Promise<string | undefined> {
    const bytes = await this.readBytes(parts, most);
    return bytes && new TextDecoder().decode(bytes).replace(/\n$/, '');
  }

  /**
   * Writes to an existing file in one call, as attributes want it: instead of what is in it, or at a byte offset `at`, and then only there.
   * @throws PciRecoveryError `ERR_PCI_NOT_PRESENT` where there is no such file, `ERR_PCI_PERMISSION`, and what else the
   * kernel refused.
   */
  async write(parts: PathParts, data: string | Uint8Array, at?: number): Promise<void> {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    const done = await this.#whereItIs(parts, 'write', async (path) => {
      const file = await open(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | (at === undefined ? O_TRUNC : 0));
      try {
        await this.#checkFile(file, parts);
        const { bytesWritten } = await file.write(bytes, 0, bytes.length, at ?? null);
        return bytesWritten;
      } finally {
        await file.close();
      }
    });
    if (done === undefined) throw refusedFileCall('write', 'ENOENT', { context: { path: this.#named(parts) } });
    if (done !== bytes.length) throw this.#shortWrite(parts, done, bytes.length);
  }

  /** Names in a directory, sorted; undefined where there is none. Throws `ERR_PCI_FILE_TOO_LARGE` above 100,000. */
  list(parts: PathParts): Promise<string[] | undefined> {
    return this.#whereItIs(parts, 'list', async (path) => {
      const names: string[] = [];
      for await (const { name } of await opendir(path)) {
        if (names.length === MOST_ENTRIES) throw this.#tooLarge(parts, `has more than ${MOST_ENTRIES} entries`);
        names.push(name);
      }
      return names.sort();
    });
  }

  /** The text of a link, wherever it leads; undefined where there is none. */
  async link(parts: PathParts): Promise<string | undefined> {
    const last = parts.at(-1);
    if (last === undefined) return undefined;
    const name = joinParts([last]);
    return this.#whereItIs(parts.slice(0, -1), 'readlink', async (directory) => {
      try {
        return await readlink(`${directory}/${name}`);
      } catch (error) {
        if (errnoOf(error) === 'EINVAL') return undefined;
        throw error;
      }
    });
  }

  /** Whether there is such a file or directory. */
  async exists(parts: PathParts): Promise<boolean> {
    return (await this.#whereItIs(parts, 'stat', (path) => Promise.resolve(path))) !== undefined;
  }

  /** Whether this process may read and write a file. It is not opened, so a device that refuses to open looks usable. */
  async access(parts: PathParts): Promise<Access> {
    const result = await this.#whereItIs(parts, 'access', async (path): Promise<Access> => {
      try {
        await access(path, constants.R_OK | constants.W_OK);
        return 'usable';
      } catch (error) {
        const errno = errnoOf(error);
        if (errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS') return 'denied';
        throw error;
      }
    });
    return result ?? 'absent';
  }

  /** Does `work` at the real path; undefined where nothing is there. */
  async #whereItIs<T>(parts: PathParts, call: string, work: (path: string) => Promise<T>): Promise<T | undefined> {
    const relative = joinParts(parts);
    try {
      const root = await (this.#real ??= this.#realRoot());
      const path = await realpath(`${root}/${relative}`);
      if (path !== root && !path.startsWith(root === '/' ? root : `${root}/`)) throw this.#escapes(parts, path);
      return await work(path);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === undefined) throw error;
      if (ABSENT.has(errno)) return undefined;
      throw refusedFileCall(call, errno, { context: { path: this.#named(parts) }, cause: error });
    }
  }

  async #realRoot(): Promise<string> {
    try {
      return await realpath(this.root);
    } catch (error) {
      this.#real = undefined;
      throw error;
    }
  }

  async #checkFile(file: FileHandle, parts: PathParts): Promise<void> {
    if ((await file.stat()).isFile()) return;
    throw new PciRecoveryError('ERR_PCI_NOT_A_FILE', `${this.#named(parts)} is no regular file: it is not touched.`, {
      context: { parts },
    });
  }

  async #readAll(file: FileHandle, parts: PathParts, most: number): Promise<Uint8Array> {
    let bytes = new Uint8Array(Math.min(most + 1, 4097));
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, null);
      if (bytesRead === 0) return bytes.slice(0, length);
      length += bytesRead;
      if (length > most) throw this.#tooLarge(parts, `has more than ${most} bytes`);
      if (length === bytes.length) {
        const larger = new Uint8Array(Math.min(most + 1, length * 2));
        larger.set(bytes);
        bytes = larger;
      }
    }
  }

  #named(parts: PathParts): string {
    return `${this.root}/${parts.join('/')}`;
  }

  #escapes(parts: PathParts, path: string): PciRecoveryError {
    const message = `${this.#named(parts)} leads to ${path}, outside of the root: it is not opened.`;
    return new PciRecoveryError('ERR_PCI_PATH_ESCAPES', message, { context: { parts, path } });
  }

  #tooLarge(parts: PathParts, how: string): PciRecoveryError {
    return new PciRecoveryError('ERR_PCI_FILE_TOO_LARGE', `${this.#named(parts)} ${how}.`, { context: { parts } });
  }

  #shortWrite(parts: PathParts, done: number, wanted: number): PciRecoveryError {
    const message = `Only ${done} of ${wanted} bytes were written to ${this.#named(parts)}: what they did is unknown.`;
    return new PciRecoveryError('ERR_PCI_SHORT_WRITE', message, { context: { parts, done, wanted } });
  }
}

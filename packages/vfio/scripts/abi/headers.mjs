// The newest kernel headers that Debian has, for all architectures at once: linux-libc-dev of whichever suite is ahead.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CannotRun } from './cannot-run.mjs';
import { cacheFolder, Debian } from './debian.mjs';

const PACKAGE = 'linux-libc-dev';
const PREFIX = 'headers-';

/** Where new kernels come first; a mirror need not have all of them. */
const SUITES = ['experimental', 'unstable', 'testing', 'stable-backports', 'trixie-backports'];

/** What the tables say that they were made from. */
export const sourceOf = (version) => `${PACKAGE} ${version}`;

/**
 * Unpacks the newest headers, when they are not there already.
 * @returns {{ root: string, version: string }}
 * @throws CannotRun when no mirror can be asked
 */
export function newestHeaders(environment = process.env) {
  const cache = cacheFolder(environment);
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'lists-'));
  try {
    const debian = new Debian(folder, 'amd64');
    debian.update(SUITES);
    const version = debian.newest(PACKAGE);
    const root = join(cache, `${PREFIX}${version}`);
    if (!existsSync(root)) debian.unpack([`${PACKAGE}=${version}`], root);
    return { root, version };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The headers that were unpacked last, without asking anybody. */
export function cachedHeaders(environment = process.env) {
  const cache = cacheFolder(environment);
  const found = (existsSync(cache) ? readdirSync(cache) : [])
    .filter((name) => name.startsWith(PREFIX) && !name.includes('.partial-'))
    .map((name) => ({ root: join(cache, name), version: name.slice(PREFIX.length) }))
    .sort((a, b) => statSync(b.root).mtimeMs - statSync(a.root).mtimeMs);
  if (found.length === 0) throw new CannotRun('no kernel headers were fetched yet (nx run vfio:abi-check does)');
  return found[0];
}

// Node for s390x, from Debian, with the libraries that it needs: unpacked into the user's cache, run under qemu-user.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { CannotRun } from '../cannot-run.mjs';
import { cacheFolder, Debian } from '../debian.mjs';

const EMULATOR = 'qemu-s390x-static';
const PREFIX = 'node-s390x-';
const PACKAGE = 'nodejs';

/** Debian 13 has node 20.19; a mirror may be in the middle of an update under one of the names. */
const SUITES = ['trixie', 'stable'];

/** The program loader is looked for in /lib. */
function linkLibraries(root) {
  if (!existsSync(join(root, 'lib'))) symlinkSync(join('usr', 'lib'), join(root, 'lib'));
}

function fetchNode(cache) {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'lists-'));
  try {
    const debian = new Debian(folder, 's390x');
    debian.update(SUITES);
    const root = join(cache, `${PREFIX}${debian.newest(PACKAGE)}`);
    debian.unpack([PACKAGE], root, { closure: true });
    return root;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function unpackedNode(cache) {
  const found = existsSync(cache) ? readdirSync(cache) : [];
  const name = found.find((each) => each.startsWith(PREFIX) && !each.includes('.partial-'));
  return name && join(cache, name);
}

/**
 * The command that runs node for s390x, its arguments to be appended. Fetches node the first time (about 40 MB).
 * @throws CannotRun when there is no emulator, or no mirror that has it
 */
export function s390xNode(environment = process.env) {
  if (spawnSync(EMULATOR, ['--version']).error) throw new CannotRun(`${EMULATOR} is not installed (qemu-user-static)`);
  const cache = cacheFolder(environment);
  const root = unpackedNode(cache) ?? fetchNode(cache);
  linkLibraries(root);
  return [EMULATOR, '-L', root, join(root, 'usr', 'bin', 'node')];
}

// Builds the pinned lspci and keeps it outside the tree.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CannotProvide } from './cannot-provide.mjs';
import { MAKE_ARGUMENTS, SHA256, VERSION } from './pinned.mjs';
import { downloadSource } from './source.mjs';

const BUILD_MS = 300_000;

/** The folder of this project in the user's cache. */
export const cacheFolder = (environment) =>
  join(environment.XDG_CACHE_HOME || join(environment.HOME || homedir(), '.cache'), 'pci-recovery');

/** Where the binary is kept: its name changes with everything that it is made of. */
export function binaryPath(environment) {
  const recipe = createHash('sha256')
    .update([SHA256, process.arch, ...MAKE_ARGUMENTS].join(' '))
    .digest('hex');
  return join(cacheFolder(environment), `lspci-${VERSION}-${recipe.slice(0, 12)}`);
}

function run(command, args, cwd) {
  const { status, error, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: BUILD_MS });
  if (error?.code === 'ENOENT') throw new CannotProvide(`${command} is not installed`);
  if (error || status !== 0) {
    const last = (stderr ?? '').trim().split('\n').at(-1);
    throw new CannotProvide(`${command} failed${last ? `: ${last}` : ''}`);
  }
}

/** The file is there, runs on this machine, and is what it should be. */
function works(binary) {
  if (!existsSync(binary)) return false;
  const { stdout } = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  return stdout?.trim() === `lspci version ${VERSION}`;
}

/**
 * The path of the pinned lspci; builds it the first time. Runs side by side do no harm: each builds in a folder of its
 * own, and the finished file is put into place at once.
 * @throws CannotProvide
 */
export function providePinnedLspci(environment = process.env) {
  const binary = binaryPath(environment);
  if (works(binary)) return binary;
  for (const tool of ['tar', 'make', 'gcc']) run(tool, ['--version']);
  mkdirSync(cacheFolder(environment), { recursive: true });
  const folder = mkdtempSync(join(cacheFolder(environment), 'build-'));
  try {
    const archive = join(folder, 'source.tar.gz');
    downloadSource(archive);
    run('tar', ['-xzf', archive], folder);
    const source = readdirSync(folder).find((name) => name.startsWith('pciutils'));
    if (!source) throw new CannotProvide('the source archive holds no folder pciutils…');
    run('make', MAKE_ARGUMENTS, join(folder, source));
    renameSync(join(folder, source, 'lspci'), binary);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (!works(binary)) throw new CannotProvide(`what was built does not say that it is lspci ${VERSION}`);
  return binary;
}

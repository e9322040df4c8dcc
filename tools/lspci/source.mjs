// Gets the source of the pinned pciutils from the Debian mirror that this machine is set up with.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { CannotProvide } from './cannot-provide.mjs';
import { SHA256, SOURCE_PATH } from './pinned.mjs';

const APT_HELPER = '/usr/lib/apt/apt-helper';
const DOWNLOAD_MS = 60_000;

/** The mirrors of `apt-get indextargets --format '$(REPO_URI)'` output, each once, in their order. */
export const mirrorsOf = (output) => [
  ...new Set(
    output
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => /^[a-z+]+:/.test(line))
      .map((line) => (line.endsWith('/') ? line : `${line}/`)),
  ),
];

/** Asks apt for the mirrors of this machine. */
function mirrors() {
  const { status, stdout, error } = spawnSync('apt-get', ['indextargets', '--format', '$(REPO_URI)'], {
    encoding: 'utf8',
  });
  if (error || status !== 0) throw new CannotProvide('apt-get is not there to name a Debian mirror');
  const found = mirrorsOf(stdout);
  if (found.length === 0) throw new CannotProvide('apt-get names no Debian mirror; run "apt-get update" first');
  return found;
}

/** Whether a file is the pinned source. */
export const isPinnedSource = (file) =>
  existsSync(file) && createHash('sha256').update(readFileSync(file)).digest('hex') === SHA256;

/**
 * Downloads the pinned source to `file`, by apt's own downloader: it knows proxies and certificates of this machine.
 * @throws CannotProvide when no mirror has it
 */
export function downloadSource(file) {
  if (!existsSync(APT_HELPER)) throw new CannotProvide(`${APT_HELPER} is not there to download with`);
  for (const mirror of mirrors()) {
    const options = ['-o', 'Acquire::Retries=0', '-o', 'Acquire::http::Timeout=20', '-o', 'Acquire::https::Timeout=20'];
    spawnSync(APT_HELPER, [...options, 'download-file', mirror + SOURCE_PATH, file, `SHA256:${SHA256}`], {
      stdio: 'ignore',
      timeout: DOWNLOAD_MS,
    });
    if (isPinnedSource(file)) return;
  }
  throw new CannotProvide(`no mirror of this machine gave ${SOURCE_PATH} with the right SHA-256 (offline?)`);
}

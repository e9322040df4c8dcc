import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { runProgram } from '../host/programs.js';
import { temporaryFolder } from '../host/temporary.js';
import { labError } from '../failure.js';

const APT_HELPER = '/usr/lib/apt/apt-helper';
const HINT = 'a Debian system with apt is needed to fetch the parts of a lab';

/** A file of an archive. */
export interface WantedFile {
  /** Path below the archive's address. */
  readonly path: string;
  /** In hexadecimal; without it the file is not checked. */
  readonly sha256?: string;
}

/** The addresses of the package archives that this machine is set up for, in apt's order. */
export async function archiveAddresses(signal: AbortSignal): Promise<readonly string[]> {
  const { stdout } = await runProgram('apt-get', ['indextargets', '--format', '$(REPO_URI)'], { hint: HINT, signal });
  return [...new Set(stdout.toString().split('\n').filter(Boolean))];
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/**
 * Fetches a file by apt's own means (its proxies, its certificates), and puts it to `target` when it is what the index
 * says.
 * @throws PciRecoveryError `ERR_PCI_LAB_PROGRAM_FAILED` when there is none, `ERR_PCI_LAB_NOT_AUTHENTIC` when it is
 * another one.
 */
export async function fetchFile(address: string, file: WantedFile, target: string, signal: AbortSignal): Promise<void> {
  const partial = await temporaryFolder(dirname(target));
  try {
    const copy = join(partial, 'file');
    await runProgram(APT_HELPER, ['download-file', `${address}${file.path}`, copy], { hint: HINT, signal });
    const found = await sha256Of(copy);
    if (file.sha256 !== undefined && found !== file.sha256) {
      throw labError('NOT_AUTHENTIC', `${file.path} of the archive is not what its index says: try again later.`, {
        context: { path: file.path, expected: file.sha256, found },
      });
    }
    await rename(copy, target);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** The same for a small file, into memory. */
export async function fetchBytes(
  address: string,
  file: WantedFile,
  folder: string,
  signal: AbortSignal,
): Promise<Buffer> {
  const place = await temporaryFolder(folder);
  try {
    const target = join(place, 'wanted');
    await fetchFile(address, file, target, signal);
    return await readFile(target);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

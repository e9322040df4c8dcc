import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isPciRecoveryError } from '@pci-recovery/core';
import { runProgram } from '../host/programs.js';
import { temporaryFolder } from '../host/temporary.js';
import { labError } from '../failure.js';
import { type Progress } from '../progress.js';
import { fetchBytes } from './mirror.js';
import { PackagesIndex } from './packages-index.js';
import { isWellSigned, releaseFiles, withoutArmour } from './release.js';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** One suite of the archive, for one architecture. */
export interface Suite {
  readonly name: string;
  /** Of the archive that has it. */
  readonly address: string;
  readonly index: PackagesIndex;
}

/** What the readers of the archive need. */
export interface ArchiveContext {
  readonly addresses: readonly string[];
  /** Where temporary files may be put. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** The text that Debian signed. Says so when this machine cannot verify it. */
async function signedText(name: string, inRelease: Buffer, context: ArchiveContext): Promise<string> {
  const { progress, signal } = context;
  if (!existsSync(KEYRING)) {
    progress(`  signature of ${name} NOT verified: this machine has no ${KEYRING}`);
    return withoutArmour(inRelease.toString());
  }
  const place = await temporaryFolder(context.folder);
  try {
    await writeFile(join(place, 'InRelease'), inRelease);
    const args = ['--keyring', KEYRING, '--status-fd', '2', '--output', '-', join(place, 'InRelease')];
    // gpgv fails as soon as one of several signatures is of a key that is not in the keyring.
    const { stdout, stderr } = await runProgram('gpgv', args, { hint: 'install gpgv', signal, accept: [0, 1, 2] });
    if (isWellSigned(stderr)) return stdout.toString();
    throw labError('NOT_AUTHENTIC', `The Release file of ${name} has no good signature of ${KEYRING}.`, {
      context: { suite: name },
    });
  } catch (error) {
    if (!isPciRecoveryError(error) || error.code !== 'ERR_PCI_LAB_PROGRAM_MISSING') throw error;
    progress(`  signature of ${name} NOT verified: this machine has no gpgv`);
    return withoutArmour(inRelease.toString());
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

/** The first archive that has the suite, and its Release file. */
async function findRelease(name: string, context: ArchiveContext): Promise<{ address: string; inRelease: Buffer }> {
  for (const address of context.addresses) {
    try {
      const path = `dists/${name}/InRelease`;
      return { address, inRelease: await fetchBytes(address, { path }, context.folder, context.signal) };
    } catch (error) {
      if (!isPciRecoveryError(error) || error.code !== 'ERR_PCI_LAB_PROGRAM_FAILED') throw error;
    }
  }
  throw labError(
    'ARCHIVE',
    `None of the archives that apt is set up for has the suite ${name}, or there is no network. A lab needs it once.`,
    { context: { suite: name }, permanence: 'temporary' },
  );
}

/**
 * Reads a suite's package index, its signature and checksum verified.
 * @throws PciRecoveryError `ERR_PCI_LAB_ARCHIVE`, `ERR_PCI_LAB_NOT_AUTHENTIC`.
 */
export async function openSuite(name: string, architecture: string, context: ArchiveContext): Promise<Suite> {
  const { folder, signal } = context;
  const { address, inRelease } = await findRelease(name, context);
  const path = `main/binary-${architecture}/Packages.xz`;
  const listed = releaseFiles(await signedText(name, inRelease, context)).get(path);
  if (listed === undefined) {
    throw labError('ARCHIVE', `The suite ${name} has no packages for ${architecture}.`, { context: { suite: name } });
  }
  const { sha256 } = listed;
  // By its checksum, so that an archive that is just being updated answers with the file that was signed.
  const byHash = `dists/${name}/main/binary-${architecture}/by-hash/SHA256/${sha256}`;
  const packed = await fetchBytes(address, { path: byHash, sha256 }, folder, signal);
  const { stdout } = await runProgram('xz', ['-dc'], { hint: 'install xz-utils', signal, input: packed });
  return { name, address, index: new PackagesIndex(stdout.toString()) };
}

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../host/programs.js';
import { temporaryFolder } from '../host/temporary.js';
import { labError } from '../failure.js';
import { type ArchivePackage } from './packages-index.js';
import { fetchFile } from './mirror.js';
import { type ArchiveContext, type Suite } from './suite.js';

/** A package and the archive that has it. */
export interface Origin extends ArchivePackage {
  readonly address: string;
}

/** Packages of the archive, unpacked together into a folder of the cache; never installed. */
export interface Part {
  readonly name: string;
  /** The folder that the packages are unpacked into. */
  readonly root: string;
  /** `name version` of each package. */
  readonly packages: readonly string[];
}

/** What the cache remembers of a part. */
interface Manifest {
  readonly packages: readonly { name: string; version: string; sha256: string }[];
}

/** The packages as one suite of several has them. */
export const withOrigin = (packages: readonly ArchivePackage[], suites: readonly Suite[]): readonly Origin[] =>
  packages.map((one) => {
    const suite = suites.find(({ index }) => index.named(one.name).some(({ sha256 }) => sha256 === one.sha256));
    if (suite === undefined) throw labError('ARCHIVE', `No suite has ${one.name} ${one.version}.`);
    return { ...one, address: suite.address };
  });

const manifestFile = (folder: string): string => join(folder, 'manifest.json');

async function readPart(name: string, folder: string): Promise<Part> {
  const { packages } = JSON.parse(await readFile(manifestFile(folder), 'utf8')) as Manifest;
  return { name, root: join(folder, 'root'), packages: packages.map((one) => `${one.name} ${one.version}`) };
}

/** The part as the cache has it; undefined when it was never fetched. */
export async function cachedPart(name: string, cache: string): Promise<Part | undefined> {
  const current = join(cache, `${name}.current`);
  if (!existsSync(current)) return undefined;
  const folder = join(cache, (await readFile(current, 'utf8')).trim());
  return existsSync(manifestFile(folder)) ? readPart(name, folder) : undefined;
}

async function unpackInto(folder: string, packages: readonly Origin[], context: ArchiveContext): Promise<void> {
  const { signal, progress } = context;
  const root = join(folder, 'root');
  await mkdir(root);
  for (const one of packages) {
    progress(`  ${one.name} ${one.version}, ${(one.size / 1e6).toFixed(1)} MB`);
    const file = join(folder, 'package.deb');
    await fetchFile(one.address, { path: one.filename, sha256: one.sha256 }, file, signal);
    await runProgram('dpkg-deb', ['-x', file, root], { hint: 'install dpkg', signal });
    await rm(file);
  }
  const manifest: Manifest = { packages: packages.map(({ name, version, sha256 }) => ({ name, version, sha256 })) };
  await writeFile(manifestFile(folder), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Puts the folder in its place; another run may have been faster, with the very same packages. */
async function settle(made: string, place: string): Promise<void> {
  try {
    await rename(made, place);
  } catch (error) {
    if (!existsSync(manifestFile(place))) throw error;
  }
}

/** Fetches the packages into the cache, unless they are there, and makes them the part's current ones. */
export async function fetchPart(
  name: string,
  packages: readonly Origin[],
  cache: string,
  context: ArchiveContext,
): Promise<Part> {
  const sums = packages.map(({ sha256 }) => sha256).sort();
  const id = `${name}-${createHash('sha256').update(sums.join()).digest('hex').slice(0, 16)}`;
  const place = join(cache, id);
  if (!existsSync(manifestFile(place))) {
    const made = await temporaryFolder(cache);
    try {
      await unpackInto(made, packages, context);
      await settle(made, place);
    } finally {
      await rm(made, { recursive: true, force: true });
    }
  }
  await writeFile(join(cache, `.${id}.current`), `${id}\n`);
  await rename(join(cache, `.${id}.current`), join(cache, `${name}.current`));
  return readPart(name, place);
}

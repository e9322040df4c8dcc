import { mkdir, readdir } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from '../host/programs.js';
import { removeLeftovers } from '../host/temporary.js';
import { labError } from '../failure.js';
import { type Machine } from '../machine/machine.js';
import { type Progress } from '../progress.js';
import { dependencyClosure } from './closure.js';
import { newestKernel } from './kernel-packages.js';
import { archiveAddresses } from './mirror.js';
import { cachedPart, fetchPart, withOrigin, type Origin, type Part } from './part.js';
import { parseRelations } from './relation.js';
import { openSuite, type ArchiveContext, type Suite } from './suite.js';

/** Preferred first: the release, then its backports, which have the newer QEMU. */
const RELEASE_SUITES = ['trixie', 'trixie-backports'];
/** Where kernels are looked for; the first that has the series is taken. */
const KERNEL_SUITES = ['trixie-backports', 'sid', 'experimental'];

/** Everything from the archive that a lab of one machine needs. */
export interface LabParts {
  readonly emulator: Part;
  readonly kernel: Part;
  /** What `uname -r` says. */
  readonly release: string;
  readonly busybox: Part;
}

/** How parts are got. */
export interface PartsOptions {
  readonly machine: Machine;
  /** The kernel's series: "7.3". */
  readonly series: string;
  /** The folder that parts are kept in. */
  readonly cache: string;
  /** Look for newer packages although the cache has some. */
  readonly refresh: boolean;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** Opens each suite once, and only when something is looked for in it. */
class Archive {
  readonly #suites = new Map<string, Promise<Suite>>();
  #context: Promise<ArchiveContext> | undefined;

  constructor(private readonly options: PartsOptions) {}

  /** The packages that `find` finds in the suites, as a part of the cache. */
  async fetch(part: string, find: () => Promise<readonly Origin[]>): Promise<Part> {
    const { cache, refresh, progress } = this.options;
    const cached = refresh ? undefined : await cachedPart(part, cache);
    if (cached !== undefined) return cached;
    progress(`fetching ${part}`);
    return fetchPart(part, await find(), cache, await this.#opened());
  }

  suite(name: string, architecture: string): Promise<Suite> {
    const key = `${name}/${architecture}`;
    const suite = this.#suites.get(key) ?? this.#opened().then((context) => openSuite(name, architecture, context));
    this.#suites.set(key, suite);
    return suite;
  }

  #opened(): Promise<ArchiveContext> {
    const { cache, signal, progress } = this.options;
    this.#context ??= archiveAddresses(signal).then((addresses) => ({ addresses, folder: cache, signal, progress }));
    return this.#context;
  }
}

async function suites(archive: Archive, architecture: string): Promise<readonly Suite[]> {
  const opened: Suite[] = [];
  for (const name of RELEASE_SUITES) opened.push(await archive.suite(name, architecture));
  return opened;
}

/** Packages with all that they depend on. */
async function whole(archive: Archive, relations: string, architecture: string): Promise<readonly Origin[]> {
  const opened = await suites(archive, architecture);
  const packages = dependencyClosure(
    parseRelations(relations),
    opened.map(({ index }) => index),
  );
  return withOrigin(packages, opened);
}

async function kernelPackages(archive: Archive, { machine, series }: PartsOptions): Promise<readonly Origin[]> {
  for (const name of KERNEL_SUITES) {
    const suite = await archive.suite(name, machine.architecture);
    const found = newestKernel(suite.index, series, machine.kernelFlavour);
    if (found) return withOrigin(found.packages, [suite]);
  }
  throw labError(
    'ARCHIVE',
    `None of ${KERNEL_SUITES.join(', ')} has a kernel ${series} for ${machine.kernelFlavour}.`,
    {
      context: { series, flavour: machine.kernelFlavour },
    },
  );
}

/** The folder of a kernel part that has its image and its modules. */
export const kernelFolder = ({ kernel, release }: Pick<LabParts, 'kernel' | 'release'>): string =>
  join(kernel.root, 'usr', 'lib', 'modules', release);

async function releaseOf(kernel: Part): Promise<string> {
  const folder = join(kernel.root, 'usr', 'lib', 'modules');
  const releases = existsSync(folder) ? await readdir(folder) : [];
  const release = releases.find((one) => existsSync(join(folder, one, 'vmlinuz')));
  if (release === undefined) {
    throw labError('ARCHIVE', `The kernel packages ${kernel.packages.join(', ')} have no usr/lib/modules/*/vmlinuz.`);
  }
  return release;
}

/** Debian's name of this machine's own architecture. */
async function hostArchitecture(signal: AbortSignal): Promise<string> {
  const { stdout } = await runProgram('dpkg', ['--print-architecture'], { hint: 'a Debian system is needed', signal });
  return stdout.toString().trim();
}

/**
 * All parts of a lab: from the cache, without any network, or else from the package archive.
 * @throws PciRecoveryError `ERR_PCI_LAB_…` that says what is missing.
 */
export async function labParts(options: PartsOptions): Promise<LabParts> {
  const { machine, series, cache, signal } = options;
  await mkdir(cache, { recursive: true });
  await removeLeftovers(cache);
  const archive = new Archive(options);
  const host = await hostArchitecture(signal);
  const { package: name, atLeast } = machine.emulator;
  const emulator = await archive.fetch(`emulator-${machine.name}`, () =>
    whole(archive, `${name} (>= ${atLeast})`, host),
  );
  const busybox = await archive.fetch(`busybox-${machine.architecture}`, () =>
    whole(archive, 'busybox-static', machine.architecture),
  );
  const kernel = await archive.fetch(`kernel-${machine.kernelFlavour}-${series}`, () =>
    kernelPackages(archive, options),
  );
  return { emulator, busybox, kernel, release: await releaseOf(kernel) };
}

import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { labError } from '../failure.js';
import { type FileTree } from './file-tree.js';

/** What matters of a package.json. */
interface PackageManifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** A package as it lies in the workspace. */
interface FoundPackage {
  /** Real path. */
  readonly folder: string;
  readonly manifest: PackageManifest;
}

/** Files that nothing runs. */
const USELESS = /\.(?:map|d\.[cm]?ts|[cm]?ts|md|tsbuildinfo)$/;
/** Of our own packages only this is published, and the native parts as they are built or prebuilt. */
const OURS = /^(?:package\.json|(?:dist|bin|prebuilds)\/.*|build\/Release\/[^/]+\.node)$/;

const readManifest = async (folder: string): Promise<PackageManifest> =>
  JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as PackageManifest;

/** The folder from which node would load `name` for a file in `from` (its symbolic link not followed). */
function locate(name: string, from: string, root: string): string | undefined {
  for (let folder = from; folder.startsWith(root); folder = dirname(folder)) {
    const place = join(folder, 'node_modules', name);
    if (existsSync(join(place, 'package.json'))) return place;
  }
  return undefined;
}

async function addFolder(tree: FileTree, found: FoundPackage, to: string, ours: boolean): Promise<void> {
  for (const name of await readdir(found.folder, { recursive: true })) {
    if (USELESS.test(name) || /(?:^|\/)node_modules\//.test(`${name}/`) || (ours && !OURS.test(name))) continue;
    const file = join(found.folder, name);
    const status = await stat(file);
    if (status.isFile()) tree.file(join(to, name), await readFile(file), status.mode & 0o777);
  }
}

/** Puts packages into the guest as they lie in the workspace, so that node finds them there the same way. */
export class WorkspaceFiles {
  readonly #done = new Set<string>();

  /** `root`: the workspace, which the guest sees at `to`. */
  constructor(
    private readonly tree: FileTree,
    private readonly root: string,
    private readonly to: string,
  ) {}

  /**
   * Adds the package in a folder of the workspace, and everything that it needs at run time.
   * @throws PciRecoveryError `ERR_PCI_LAB_NOT_BUILT` when one of our packages is not built.
   */
  async add(folder: string): Promise<void> {
    if (this.#done.has(folder)) return;
    this.#done.add(folder);
    const found = { folder, manifest: await readManifest(folder) };
    const ours = !relative(this.root, folder).split('/').includes('node_modules');
    if (ours && !existsSync(join(folder, 'dist'))) {
      throw labError('NOT_BUILT', `${found.manifest.name} is not built: run "npx nx run-many -t build" first.`);
    }
    await addFolder(this.tree, found, join(this.to, relative(this.root, folder)), ours);
    const { dependencies, peerDependencies, optionalDependencies } = found.manifest;
    for (const name of Object.keys({ ...dependencies, ...peerDependencies })) await this.#need(name, found);
    for (const name of Object.keys(optionalDependencies ?? {})) {
      if (locate(name, folder, this.root)) await this.#need(name, found);
    }
  }

  /** Adds one of our packages by name when it is there and built; programs in the guest may ask for it. */
  async addIfBuilt(name: string): Promise<void> {
    const folder = await this.#workspacePackage(name);
    if (folder === undefined || !existsSync(join(folder, 'dist'))) return;
    this.#link(name, folder);
    await this.add(folder);
  }

  async #need(name: string, by: FoundPackage): Promise<void> {
    const own = await this.#workspacePackage(name);
    const place = own ?? locate(name, by.folder, this.root);
    if (place === undefined) {
      throw labError('NOT_BUILT', `${by.manifest.name} needs ${name}, which is not installed: run "npm ci".`);
    }
    if (own !== undefined) this.#link(name, own);
    await this.add(place);
  }

  /** The folder of one of our own packages, by name; npm links it, but may not have done so yet. */
  async #workspacePackage(name: string): Promise<string | undefined> {
    const [scope, short] = name.split('/');
    if (scope !== '@pci-recovery' || short === undefined) return undefined;
    const folder = join(this.root, 'packages', short);
    return existsSync(join(folder, 'package.json')) && (await readManifest(folder)).name === name ? folder : undefined;
  }

  #link(name: string, folder: string): void {
    const place = join(this.to, 'node_modules', name);
    if (!this.tree.has(place))
      this.tree.link(place, relative(dirname(place), join(this.to, relative(this.root, folder))));
  }
}

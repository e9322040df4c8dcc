import { compareBdf, isBdf, parseBdf, PciRecoveryError, type Bdf } from '@pci-recovery/core';
import { type SysfsPort } from '@pci-recovery/core/linux';
import { HostDirectory } from '../files/host-directory.js';
import { isName, type PathParts } from '../files/path.js';

/** Where sysfs is. */
export interface SysfsOptions {
  /** Default `/sys`; tests and tools point it at a recorded tree. */
  readonly root?: string;
}

/** Whether a name in sysfs is an address: the whole of it, in lower case. */
export const isSysfsBdf = (name: string): name is Bdf => isBdf(name) && parseBdf(name) === name;

/** The last name of a path; undefined when it has none. */
export function lastName(path: string | undefined): string | undefined {
  const name = path?.split('/').at(-1);
  return name !== undefined && isName(name) ? name : undefined;
}

const DEVICES: PathParts = ['bus', 'pci', 'devices'];

/**
 * The kernel's files about PCI functions (Documentation/ABI/testing/sysfs-bus-pci). Paths are made of parsed addresses
 * and names only; an attribute may be in a directory (`pfip/segment0`), and a link that leads out of the root is read as
 * a link, but never followed. Needs no native binary.
 *
 * Writes take as long as what they order: `remove` of a function that is open through VFIO returns when its holder has
 * closed it, and occupies a thread of node's pool until then. Reads of `config` wait while the kernel resets the link.
 */
export class Sysfs implements SysfsPort {
  /** The tree below the root, for what is not about one function. */
  readonly files: HostDirectory;

  constructor({ root = '/sys' }: SysfsOptions = {}) {
    this.files = new HostDirectory(root);
  }

  /** All functions, in address order; none where there is no PCI. Names that are no address are passed over. */
  async devices(): Promise<readonly Bdf[]> {
    return ((await this.files.list(DEVICES)) ?? []).filter(isSysfsBdf).sort(compareBdf);
  }

  /**
   * An attribute's text without the final newline; undefined where it does not exist.
   * @throws PciRecoveryError `ERR_PCI_BAD_BDF`, `ERR_PCI_BAD_PATH` before anything is read; `ERR_PCI_FILE_TOO_LARGE`
   * above 64 KiB; what the kernel refused, with its errno (`ENODEV`: the function has just gone, or has no PE).
   */
  async read(bdf: Bdf, attribute: string): Promise<string | undefined> {
    return this.files.readText(pathOf(bdf, attribute));
  }

  /** An attribute's bytes; `config` has 64 for those without CAP_SYS_ADMIN, else 256 or 4096. Throws as {@link read}. */
  async readBytes(bdf: Bdf, attribute: string): Promise<Uint8Array | undefined> {
    return this.files.readBytes(pathOf(bdf, attribute));
  }

  /**
   * Writes an attribute in one call.
   * @throws PciRecoveryError as {@link read}; `ERR_PCI_NOT_PRESENT` where it does not exist.
   */
  async write(bdf: Bdf, attribute: string, text: string | Uint8Array): Promise<void> {
    await this.files.write(pathOf(bdf, attribute), text);
  }

  /**
   * Writes bytes of an attribute at an offset, in one call: `config`, which takes CAP_SYS_ADMIN and no lockdown of the kernel.
   * @throws PciRecoveryError as {@link write}; `ERR_PCI_SHORT_WRITE` beyond the end.
   */
  async writeBytes(bdf: Bdf, attribute: string, offset: number, bytes: Uint8Array): Promise<void> {
    await this.files.write(pathOf(bdf, attribute), bytes, offset);
  }

  /** The last name of what a link points to; undefined where there is no such link. */
  async link(bdf: Bdf, name: string): Promise<string | undefined> {
    return lastName(await this.files.link(pathOf(bdf, name)));
  }

  /** The names in a function's directory, or in one below it; undefined where there is none. */
  async entries(bdf: Bdf, directory?: string): Promise<readonly string[] | undefined> {
    return this.files.list(directory === undefined ? [...DEVICES, parseBdf(bdf)] : pathOf(bdf, directory));
  }

  /** Whether the attribute, link or directory is there. */
  async has(bdf: Bdf, attribute: string): Promise<boolean> {
    return this.files.exists(pathOf(bdf, attribute));
  }

  /** The path of the device: `../../../devices/pci0000:00/0000:00:01.0`. Undefined where there is no such function. */
  async devicePath(bdf: Bdf): Promise<string | undefined> {
    const parts = [...DEVICES, parseBdf(bdf)];
    const path = await this.files.link(parts);
    if (path !== undefined) return path;
    if (!(await this.files.exists(parts))) return undefined;
    throw new PciRecoveryError('ERR_PCI_BAD_SYSFS', `${parts.join('/')} is no link: where ${bdf} is cannot be told.`, {
      context: { bdf, root: this.files.root },
    });
  }

  /**
   * The function above, by the device path; undefined below a root bus (that of VMD too), and where `bdf` is not there.
   * @throws PciRecoveryError `ERR_PCI_BAD_SYSFS` when the function's entry is no link.
   */
  async parent(bdf: Bdf): Promise<Bdf | undefined> {
    const above = (await this.devicePath(bdf))?.split('/').at(-2);
    return above !== undefined && isSysfsBdf(above) ? above : undefined;
  }
}

/** Parses again, for types do not hold what comes from elsewhere. */
const pathOf = (bdf: Bdf, attribute: string): PathParts => [...DEVICES, parseBdf(bdf), ...attribute.split('/')];

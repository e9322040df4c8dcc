import { type ArchivePackage, type PackagesIndex } from './packages-index.js';
import { compareVersions } from './version.js';

/** A kernel as an archive has it: the image, its modules, its configuration. */
export interface KernelPackages {
  /** What `uname -r` will say. */
  readonly release: string;
  readonly packages: readonly ArchivePackage[];
}

const escaped = (text: string): string => text.replace(/[.+]/g, String.raw`\$&`);

/**
 * The newest kernel of a series ("7.3") and flavour ("amd64", not "cloud-amd64"): the packages linux-binary, -modules
 * and -base, into which Debian splits an image since 6.19. Undefined when the archive has none.
 */
export function newestKernel(index: PackagesIndex, series: string, flavour: string): KernelPackages | undefined {
  const pattern = new RegExp(String.raw`^linux-binary-(${escaped(series)}(?:\.\d+)?(?:\+\w+)?-${escaped(flavour)})$`);
  const releases = index
    .names(pattern)
    .map((name) => ({ release: pattern.exec(name)![1]!, image: index.named(name)[0]! }));
  releases.sort((one, other) => compareVersions(other.image.version, one.image.version));
  for (const { release, image } of releases) {
    const others = ['modules', 'base'].map((kind) => index.named(`linux-${kind}-${release}`)[0]);
    if (others.every((one) => one !== undefined)) return { release, packages: [image, ...others] };
  }
  return undefined;
}

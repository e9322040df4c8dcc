import { PciRecoveryError } from '@pci-recovery/core';

/** Names of directories and files below a root. */
export type PathParts = readonly string[];

/** The kernel ends a path at NUL, so no name may have one. */
const NAME = /^[^/\u0000]{1,255}$/;

/** Whether `text` can name a file in one directory: no separator, no way up. */
export const isName = (text: string): boolean => NAME.test(text) && text !== '.' && text !== '..';

/**
 * A relative path as text.
 * @throws PciRecoveryError `ERR_PCI_BAD_PATH` when a part is no name of a file.
 */
export function joinParts(parts: PathParts): string {
  const bad = parts.find((part) => !isName(part));
  if (bad === undefined) return parts.join('/');
  throw new PciRecoveryError('ERR_PCI_BAD_PATH', `"${bad}" is no name of a file or directory: no path is made of it.`, {
    context: { parts },
  });
}

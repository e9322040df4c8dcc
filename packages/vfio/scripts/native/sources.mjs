// What the addon is made of.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PACKAGE = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The name of the addon as binding.gyp has it. */
export const ADDON = 'pci_recovery_vfio';

/** Paths relative to the package, sorted. */
export const sources = () => [
  'binding.gyp',
  ...readdirSync(join(PACKAGE, 'native'))
    .sort()
    .map((name) => join('native', name)),
];

/** Changes with every byte of the sources, and with the node and machine that they are compiled for. */
export function fingerprint() {
  const hash = createHash('sha256').update(`${process.version} ${process.platform} ${process.arch}`);
  for (const path of sources()) hash.update(path).update(readFileSync(join(PACKAGE, path)));
  return hash.digest('hex');
}

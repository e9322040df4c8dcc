// Packs every package as it would be published.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packages = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'packages');

/** The folders of all packages. */
export const packageFolders = () => readdirSync(packages).map((name) => join(packages, name));

/** A package's package.json. */
export const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** Runs npm quietly and gives its standard output. */
export const npm = (args, cwd) =>
  execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** Packs a package into `destination`; the path of the tarball. */
export function pack(folder, destination) {
  const [packed] = JSON.parse(npm(['pack', '--json', '--pack-destination', destination], folder));
  return join(destination, packed.filename);
}

import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';

/** What the compiler makes of `name.ts`. */
const MADE = /(?:\.d\.ts|\.js)(?:\.map)?$/;

/** Files in a package's `dist` that were made of a source that is no longer in its `src`, relative to the package. */
export function orphans(folder) {
  const dist = join(folder, 'dist');
  if (!existsSync(dist)) return [];
  return readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && MADE.test(entry.name))
    .map((entry) => relative(dist, join(entry.parentPath, entry.name)))
    .filter((path) => !existsSync(join(folder, 'src', path.replace(MADE, '.ts'))))
    .map((path) => join('dist', path))
    .sort();
}

/** Removes them. */
export function prune(folder) {
  for (const path of orphans(folder)) rmSync(join(folder, path));
}

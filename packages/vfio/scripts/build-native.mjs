// Compiles the addon for this machine when its sources changed: `nx run vfio:native`. Warnings are errors. Where a compiler
// or something else is missing, it says so and ends well: everything but the addon works without it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ADDON, fingerprint, PACKAGE } from './native/sources.mjs';
import { missingTools, nodeGyp, nodeHeaders } from './native/toolchain.mjs';

const BINARY = join(PACKAGE, 'build', 'Release', `${ADDON}.node`);
const STAMP = join(PACKAGE, 'build', 'compiled-from');

const notBuilt = (why) => console.error(`vfio: the native addon is NOT BUILT: ${why}. Its tests will say "not built".`);

function upToDate() {
  return existsSync(BINARY) && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === fingerprint();
}

/** Configures without compiling: fails where node's headers can be neither found nor downloaded. */
const configured = () => nodeGyp(PACKAGE, ['configure', '--', '-Dwerror=true']) === 0;

function build() {
  const missing = missingTools(process.env.CC ?? 'cc');
  if (missing.length > 0) return notBuilt(`${missing.join(', ')} not found`);
  if (!configured() && !nodeHeaders())
    return notBuilt('the headers of node are neither installed nor to be downloaded');
  if (nodeGyp(PACKAGE, ['build']) !== 0) throw new Error('vfio: compiling the native addon failed: see above.');
  writeFileSync(STAMP, fingerprint());
  console.error('vfio: the native addon is built.');
}

if (process.platform !== 'linux') notBuilt('it is for Linux');
else if (!upToDate()) build();

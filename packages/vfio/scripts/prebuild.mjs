// Compiles the addon for every architecture that it is shipped for, into prebuilds/linux-<arch>: `nx run vfio:prebuild`.
// Takes Debian's cross compilers; a missing one is named together with its package, the others are built nevertheless.
//   node scripts/prebuild.mjs [arch…]
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readElf } from './native/elf.mjs';
import { ADDON, PACKAGE, sources } from './native/sources.mjs';
import { missingTools, nodeGyp } from './native/toolchain.mjs';

/** By node's names of architectures. ppc64 is little-endian, as every node for it is. */
const TARGETS = {
  x64: { triple: 'x86_64-linux-gnu', package: 'gcc-x86-64-linux-gnu', endian: 'LE' },
  arm64: { triple: 'aarch64-linux-gnu', package: 'gcc-aarch64-linux-gnu', endian: 'LE' },
  ppc64: { triple: 'powerpc64le-linux-gnu', package: 'gcc-powerpc64le-linux-gnu', endian: 'LE' },
  s390x: { triple: 's390x-linux-gnu', package: 'gcc-s390x-linux-gnu', endian: 'BE' },
};

/** What node 20 itself needs: nothing newer may get in. */
const OLDEST_GLIBC = [2, 28];

/** node-gyp builds in its folder: a copy keeps this machine's own build out of its way. */
function compile(arch, triple) {
  const folder = mkdtempSync(join(tmpdir(), 'vfio-prebuild-'));
  try {
    for (const path of [...sources(), 'package.json'])
      cpSync(join(PACKAGE, path), join(folder, path), { recursive: true });
    const compiler = `${triple}-gcc`;
    const environment = { CC: compiler, CXX: compiler, LINK: compiler, AR: `${triple}-ar` };
    const status = nodeGyp(folder, ['rebuild', `--arch=${arch}`, '--', '-Dwerror=true'], environment);
    if (status !== 0) throw new Error('node-gyp failed: see above');
    const made = join(folder, 'build', 'Release', `${ADDON}.node`);
    spawnSync(`${triple}-strip`, ['--strip-unneeded', made], { stdio: 'inherit' });
    const kept = join(PACKAGE, 'prebuilds', `linux-${arch}`);
    mkdirSync(kept, { recursive: true });
    cpSync(made, join(kept, `${ADDON}.glibc.node`));
    return join(kept, `${ADDON}.glibc.node`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The file is what it should be; its description. */
function checked(path, arch, endian) {
  const found = readElf(readFileSync(path));
  const [major, minor] = found.glibc ?? [0, 0];
  if (found.arch !== arch || found.endian !== endian) throw new Error(`it came out for ${found.arch} ${found.endian}`);
  if (major !== OLDEST_GLIBC[0] || minor > OLDEST_GLIBC[1]) throw new Error(`it needs glibc ${major}.${minor}`);
  return `${found.arch} ${found.endian}, glibc ≥ ${major}.${minor}`;
}

function prebuild(arch) {
  const { triple, package: debian, endian } = TARGETS[arch];
  const missing = missingTools(`${triple}-gcc`);
  if (missing.includes(`${triple}-gcc`)) throw new Error(`${triple}-gcc is not installed (Debian package ${debian})`);
  if (missing.length > 0) throw new Error(`${missing.join(', ')} not found`);
  console.error(`vfio: linux-${arch}: ${checked(compile(arch, triple), arch, endian)}`);
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(TARGETS);
for (const arch of wanted) {
  try {
    if (!TARGETS[arch]) throw new Error(`unknown; known are ${Object.keys(TARGETS).join(', ')}`);
    prebuild(arch);
  } catch (error) {
    console.error(`vfio: linux-${arch}: NOT BUILT: ${error.message}`);
    process.exitCode = 1;
  }
}

// The guest's file system: busybox, pciutils with their libraries, and a few modules of a Debian kernel.
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { programFile, libraryPath } from './debian.mjs';
import { output } from './programs.mjs';

const GUEST = join(import.meta.dirname, 'guest');
const MODULES = ['virtio_pci', 'virtio_net', 'nvme', 'e1000e'];
const DIRECTORIES = ['bin', 'dev', 'etc', 'lib', 'lib64', 'proc', 'sys'];

/** A pciutils program, and the libraries that it needs. */
function copyProgram(packages, name, target) {
  const file = programFile(packages, name);
  copyFileSync(file, join(target, 'bin', name));
  const needed = output('ldd', [file], { env: libraryPath(packages) });
  const missing = needed.match(/\S+(?= => not found)/g);
  if (missing) throw new Error(`${name} needs ${missing.join(', ')}: install the packages that hold them.`);
  for (const [path] of needed.matchAll(/\/\S+/g)) {
    // The loader is asked for by its full path, the others by name.
    const directory = basename(path).startsWith('ld-linux') ? 'lib64' : 'lib';
    cpSync(path, join(target, directory, basename(path)), { dereference: true });
  }
}

/** The name that a module file has for modprobe. */
const moduleName = (file) =>
  basename(file)
    .replace(/\.ko.*/, '')
    .replaceAll('-', '_');

/** `modules.dep` as a map: module name → its file, then the files it depends on. */
function dependencies(directory) {
  const lines = readFileSync(join(directory, 'modules.dep'), 'utf8').trim().split('\n');
  const files = lines.map((line) => line.replace(':', '').trim().split(/\s+/));
  return new Map(files.map((some) => [moduleName(some[0]), some]));
}

function copyModules({ root, release }, target) {
  output('busybox', ['depmod', '-b', root, release], { hint: 'install busybox-static' });
  const from = join(root, 'lib', 'modules', release);
  const to = join(target, 'lib', 'modules', release);
  const known = dependencies(from);
  for (const name of MODULES) {
    const files = known.get(name);
    if (!files) throw new Error(`Kernel ${release} has no module ${name}: give another one with --kernel <file.deb>.`);
    for (const file of files) {
      mkdirSync(dirname(join(to, file)), { recursive: true });
      copyFileSync(join(from, file), join(to, file));
    }
  }
  copyFileSync(join(from, 'modules.dep'), join(to, 'modules.dep'));
  writeFileSync(join(target, 'etc', 'modules'), `${MODULES.join('\n')}\n`);
}

function copyScripts(target) {
  for (const name of readdirSync(GUEST)) {
    const place = name === 'init' ? join(target, name) : join(target, 'bin', name);
    copyFileSync(join(GUEST, name), place);
    chmodSync(place, 0o755);
  }
}

function findInPath(name) {
  const file = (process.env.PATH ?? '')
    .split(delimiter)
    .map((place) => join(place, name))
    .find(existsSync);
  if (!file) throw new Error(`${name} is not there: install ${name}-static.`);
  return file;
}

/** The cpio archive of everything in `directory`, owned by root. */
function archive(directory) {
  const names = readdirSync(directory, { recursive: true }).sort();
  return output('cpio', ['-o', '-H', 'newc', '-R', '0:0', '--quiet'], {
    cwd: directory,
    input: Buffer.from(`${names.join('\n')}\n`),
    encoding: 'buffer',
  });
}

/** Writes the compressed archive `file`, from `target`, a directory that is made for it. */
export function buildInitramfs(kernel, packages, target, file) {
  for (const name of DIRECTORIES) mkdirSync(join(target, name), { recursive: true });
  copyFileSync(findInPath('busybox'), join(target, 'bin', 'busybox'));
  for (const name of ['lspci', 'setpci']) copyProgram(packages, name, target);
  copyModules(kernel, target);
  copyScripts(target);
  writeFileSync(file, gzipSync(archive(target), { level: 1 }));
}

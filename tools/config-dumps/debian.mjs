// Parts from the Debian archive that this machine is set up for: downloaded and unpacked, never installed.
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { output } from './programs.mjs';

const HINT = 'a Debian system is needed to fetch the kernel and pciutils';

/** The newest real kernel package: what linux-image-amd64 depends on. */
function kernelPackage() {
  const [name] = output('apt-cache', ['depends', 'linux-image-amd64'], { hint: HINT }).match(/linux-image-\d\S*/) ?? [];
  if (!name) throw new Error('No kernel package is known: run "apt-get update", or give --kernel <file.deb>.');
  return name;
}

const unpack = (file, root) => output('dpkg-deb', ['-x', file, root], { hint: HINT });

/** Downloads packages into `directory` and unpacks them into `root`. */
function fetchPackages(names, directory, root) {
  mkdirSync(directory, { recursive: true });
  output('apt-get', ['download', ...names], { cwd: directory, hint: HINT });
  for (const file of readdirSync(directory)) unpack(join(directory, file), root);
}

/** Unpacks a kernel into `directory`: the package file that was given, or the newest that apt knows. */
export function fetchKernel(directory, file) {
  const root = join(directory, 'kernel');
  mkdirSync(root);
  if (file) unpack(file, root);
  else fetchPackages([kernelPackage()], join(directory, 'kernel-package'), root);
  const boot = join(root, 'boot');
  const image = existsSync(boot) ? readdirSync(boot).find((name) => name.startsWith('vmlinuz-')) : undefined;
  if (!image) throw new Error('The kernel package has no boot/vmlinuz-*: give the real package, not the meta package.');
  const release = image.slice('vmlinuz-'.length);
  if (!existsSync(join(root, 'lib', 'modules', release))) {
    throw new Error(`The kernel package has no lib/modules/${release}: give one of Debian 12.`);
  }
  return { root, release, image: join(boot, image) };
}

/** Unpacks lspci and setpci into `directory`; returns where. */
export function fetchPciutils(directory) {
  const root = join(directory, 'pciutils');
  fetchPackages(['pciutils', 'libpci3', 'libkmod2'], join(directory, 'pciutils-packages'), root);
  return root;
}

/** The file of an unpacked program. */
export function programFile(root, name) {
  const file = ['usr/bin', 'usr/sbin', 'bin', 'sbin'].map((place) => join(root, place, name)).find(existsSync);
  if (!file) throw new Error(`The pciutils package has no ${name}.`);
  return file;
}

/** The environment in which an unpacked program finds its unpacked libraries. */
export function libraryPath(root) {
  const places = ['usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu'].map((place) => join(root, place));
  return { ...process.env, LD_LIBRARY_PATH: places.join(delimiter) };
}

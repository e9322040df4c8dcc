// What a shared object is made for, read off its own bytes: a prebuild that a cross compiler made for something else must
// not be shipped.

const MACHINES = { 62: 'x64', 183: 'arm64', 21: 'ppc64', 22: 's390x' };
const CLASS_64 = 2;
const LITTLE = 1;

/** Newest version among symbol versions such as GLIBC_2.28, as [2, 28]. */
function newestGlibc(bytes) {
  const versions = [...bytes.toString('latin1').matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(([, a, b]) => [
    Number(a),
    Number(b),
  ]);
  return versions.sort(([a, b], [c, d]) => a - c || b - d).at(-1);
}

/** Architecture (node's name of it), byte order, and the newest C library that is needed; throws when it is no such file. */
export function readElf(bytes) {
  if (bytes.toString('latin1', 0, 4) !== '\x7fELF' || bytes[4] !== CLASS_64)
    throw new Error('This is no ELF file of 64 bits.');
  const endian = bytes[5] === LITTLE ? 'LE' : 'BE';
  const machine = endian === 'LE' ? bytes.readUInt16LE(18) : bytes.readUInt16BE(18);
  return { arch: MACHINES[machine] ?? `machine ${machine}`, endian, glibc: newestGlibc(bytes) };
}

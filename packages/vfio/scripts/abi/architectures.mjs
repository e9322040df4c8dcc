// The architectures that prebuilt binaries exist for, by node's names, and what Debian calls their tools.

/** `process.arch` → triplet, Debian's name, byte order, emulator, and the Debian packages to compile for it elsewhere. */
export const ARCHITECTURES = {
  x64: { triplet: 'x86_64-linux-gnu', debian: 'amd64', order: 'LE', emulator: 'qemu-x86_64-static' },
  arm64: { triplet: 'aarch64-linux-gnu', debian: 'arm64', order: 'LE', emulator: 'qemu-aarch64-static' },
  ppc64: { triplet: 'powerpc64le-linux-gnu', debian: 'ppc64el', order: 'LE', emulator: 'qemu-ppc64le-static' },
  s390x: { triplet: 's390x-linux-gnu', debian: 's390x', order: 'BE', emulator: 'qemu-s390x-static' },
};

/** How to compile for `name` here, and how to run the result: natively on the same architecture, else under qemu-user. */
export function toolsFor(name, host = process.arch) {
  const { triplet, debian, emulator } = ARCHITECTURES[name];
  if (name === host) return { compiler: 'gcc', run: [], packages: ['gcc', 'libc6-dev'] };
  return {
    compiler: `${triplet}-gcc`,
    run: [emulator],
    packages: [`gcc-${triplet.replace('_', '-')}`, `libc6-dev-${debian}-cross`, 'qemu-user-static'],
  };
}

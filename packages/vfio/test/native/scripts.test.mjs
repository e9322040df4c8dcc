import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readElf } from '../../scripts/native/elf.mjs';
import { PACKAGE, sources } from '../../scripts/native/sources.mjs';
import { missingTools } from '../../scripts/native/toolchain.mjs';

/** The beginning of a shared object, with the names of symbol versions as a linker leaves them. */
function elf({ endian, machine, versions = '', bits = 2 }) {
  const bytes = Buffer.alloc(64);
  bytes.write('\x7fELF', 'latin1');
  bytes.set([bits, endian === 'LE' ? 1 : 2], 4);
  if (endian === 'LE') bytes.writeUInt16LE(machine, 18);
  else bytes.writeUInt16BE(machine, 18);
  return Buffer.concat([bytes, Buffer.from(versions)]);
}

describe('readElf', () => {
  it.each([
    ['x64', 'LE', 62],
    ['arm64', 'LE', 183],
    ['ppc64', 'LE', 21],
    ['s390x', 'BE', 22],
    ['ppc64', 'BE', 21],
    ['machine 243', 'LE', 243],
  ])('tells what a file is for: %s %s', (arch, endian, machine) => {
    expect(readElf(elf({ endian, machine }))).toEqual({ arch, endian, glibc: undefined });
  });

  it('finds the newest C library that is needed, by numbers and not by letters', () => {
    const versions = 'GLIBC_2.9\0GLIBC_2.34\0GLIBC_2.4\0GLIBC_2.17\0';
    expect(readElf(elf({ endian: 'LE', machine: 62, versions })).glibc).toEqual([2, 34]);
  });

  it('reads the node that runs', () => {
    if (process.platform === 'linux') expect(readElf(readFileSync(process.execPath)).arch).toBe(process.arch);
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('no such thing')],
    ['a file of 32 bits', elf({ endian: 'LE', machine: 3, bits: 1 })],
  ])('refuses %s', (_, bytes) => {
    expect(() => readElf(bytes)).toThrow('no ELF file of 64 bits');
  });
});

describe('building', () => {
  it('compiles every C file that there is', () => {
    const listed = [...readFileSync(join(PACKAGE, 'binding.gyp'), 'utf8').matchAll(/"(native\/\w+\.c)"/g)].map(
      ([, path]) => path,
    );
    expect(listed.sort()).toEqual(sources().filter((path) => path.endsWith('.c')));
  });

  it('names a compiler that is missing', () => {
    expect(missingTools('no-such-compiler')).toContain('no-such-compiler');
  });

  it.each([
    [['mips'], 'linux-mips: NOT BUILT: unknown; known are x64, arm64, ppc64, s390x'],
    [['s390x'], 'linux-s390x: NOT BUILT: s390x-linux-gnu-gcc is not installed (Debian package gcc-s390x-linux-gnu)'],
  ])('of prebuilds says what cannot be built: %s', (args, message) => {
    const { status, stderr } = spawnSync(process.execPath, [join(PACKAGE, 'scripts', 'prebuild.mjs'), ...args], {
      encoding: 'utf8',
      env: { ...process.env, PATH: '/there/are/no/programs' },
    });
    expect([status, stderr.trim()]).toEqual([1, `vfio: ${message}`]);
  });

  it('says after an install without compiler what will not work, and ends well', () => {
    const { status, stderr } = spawnSync(process.execPath, [join(PACKAGE, 'scripts', 'not-built.mjs')], {
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    expect(stderr).toContain('npm rebuild @pci-recovery/vfio');
  });
});

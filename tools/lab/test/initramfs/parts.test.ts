import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingLibraries, neededLibraries } from '../../src/initramfs/guest-node.js';
import { kernelModules, moduleDependencies, moduleName } from '../../src/initramfs/kernel-modules.js';

describe('what a kernel module depends on', () => {
  const module = (depends: string): Buffer => Buffer.from(`ELF\0\0license=GPL\0depends=${depends}\0name=x\0`);

  it.each([
    ['vfio-pci-core,vfio', ['vfio_pci_core', 'vfio']],
    ['', []],
    ['irqbypass', ['irqbypass']],
  ])('depends=%s', (text, names) => expect(moduleDependencies(module(text))).toEqual(names));

  it('is nothing where nothing is said', () => expect(moduleDependencies(Buffer.from('ELF'))).toEqual([]));

  it('is looked for in the bytes that are given, wherever they lie in memory', () => {
    const around = Buffer.concat([Buffer.from('\0depends=wrong\0'), module('right')]);
    expect(moduleDependencies(around.subarray(15))).toEqual(['right']);
  });

  it.each(['vfio-pci', 'vfio_pci', 'kernel/drivers/vfio/pci/vfio-pci.ko', 'a/vfio-pci.ko.xz'])(
    '%s has one name',
    (name) => {
      expect(moduleName(name)).toBe('vfio_pci');
    },
  );
});

describe('the libraries of a program, by ldd', () => {
  const LDD = `	linux-vdso.so.1 (0x00007fe818868000)
	libdl.so.2 => /lib/x86_64-linux-gnu/libdl.so.2 (0x00007fe818852000)
	libgone.so.1 => not found
	/lib64/ld-linux-x86-64.so.2 (0x00007fe81886a000)
`;

  it('are asked for by name, the loader by its path; the kernel gives the vdso', () => {
    expect(neededLibraries(LDD)).toEqual([
      { name: 'libdl.so.2', file: '/lib/x86_64-linux-gnu/libdl.so.2' },
      { name: '/lib64/ld-linux-x86-64.so.2', file: '/lib64/ld-linux-x86-64.so.2' },
    ]);
  });

  it('may be missing', () => expect(missingLibraries(LDD)).toEqual(['libgone.so.1']));
});

describe('the modules of a kernel', () => {
  const { signal } = new AbortController();
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lab-modules-'));
    mkdirSync(join(folder, 'kernel/drivers'), { recursive: true });
    writeFileSync(join(folder, 'modules.builtin'), 'kernel/drivers/virtio-pci.ko\n');
    const modules = { 'vfio-pci': 'vfio-pci-core,vfio,virtio-pci', 'vfio-pci-core': 'vfio', vfio: '' };
    for (const [name, depends] of Object.entries(modules)) {
      writeFileSync(join(folder, `kernel/drivers/${name}.ko`), `\0depends=${depends}\0`);
    }
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('come after those that they depend on, each once, without those that are built in', async () => {
    const modules = await kernelModules(folder, ['vfio-pci', 'virtio_pci', 'vfio'], signal);
    expect(modules.map(({ name }) => name)).toEqual(['vfio', 'vfio_pci_core', 'vfio_pci']);
  });

  it('are missed by name', async () => {
    await expect(kernelModules(folder, ['nonsense'], signal)).rejects.toThrow('has no module nonsense');
  });
});

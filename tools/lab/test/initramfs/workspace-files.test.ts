import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { FileTree } from '../../src/initramfs/file-tree.js';
import { WorkspaceFiles } from '../../src/initramfs/workspace-files.js';

describe('packages as a guest gets them', () => {
  let root: string;
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'lab-workspace-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  const write = (path: string, content: unknown = ''): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content));
  };

  const paths = async (folder: string): Promise<readonly string[]> => {
    const tree = new FileTree();
    await new WorkspaceFiles(tree, root, '/lab').add(join(root, folder));
    return [...tree.entries()].filter(({ content }) => content).map(({ path }) => path);
  };

  it('are what is published of ours with all that they depend on, where node looks for it', async () => {
    write('packages/aer/package.json', {
      name: '@pci-recovery/aer',
      dependencies: { '@pci-recovery/core': '1', dep: '1' },
    });
    write('packages/aer/dist/index.js');
    write('packages/aer/dist/index.js.map');
    write('packages/aer/dist/index.d.ts');
    write('packages/aer/src/index.ts');
    write('packages/aer/test/x.test.js');
    write('packages/aer/node_modules/dep/package.json', { name: 'dep', optionalDependencies: { absent: '1' } });
    write('packages/aer/node_modules/dep/index.js');
    write('packages/core/package.json', { name: '@pci-recovery/core', peerDependencies: { peer: '1' } });
    write('packages/core/dist/index.js');
    write('packages/core/build/Release/core.node');
    write('packages/core/build/Release/obj/core.o');
    write('node_modules/peer/package.json', { name: 'peer' });
    write('node_modules/peer/README.md');
    mkdirSync(join(root, 'node_modules/@pci-recovery'), { recursive: true });
    symlinkSync('../../packages/core', join(root, 'node_modules/@pci-recovery/core'));
    expect([...(await paths('packages/aer'))].sort()).toEqual([
      'lab/node_modules/@pci-recovery/core',
      'lab/node_modules/peer/package.json',
      'lab/packages/aer/dist/index.js',
      'lab/packages/aer/node_modules/dep/index.js',
      'lab/packages/aer/node_modules/dep/package.json',
      'lab/packages/aer/package.json',
      'lab/packages/core/build/Release/core.node',
      'lab/packages/core/dist/index.js',
      'lab/packages/core/package.json',
    ]);
  });

  it('must be built', async () => {
    write('packages/aer/package.json', { name: '@pci-recovery/aer' });
    await expect(paths('packages/aer')).rejects.toMatchObject({ code: 'ERR_PCI_LAB_NOT_BUILT' });
  });

  it('must be installed', async () => {
    write('packages/aer/package.json', { name: '@pci-recovery/aer', dependencies: { nowhere: '1' } });
    write('packages/aer/dist/index.js');
    await expect(paths('packages/aer')).rejects.toThrow('@pci-recovery/aer needs nowhere, which is not installed');
  });
});

import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SysfsVfioHost } from '../../src/index.js';
import { A, B, C } from './lab.js';

/** A tree with three functions: A and B in group 7, A with a node, B virtual; C with nothing. */
function tree(): string {
  const root = mkdtempSync(join(tmpdir(), 'vfio-host-'));
  const devices = join(root, 'sys/devices/pci0000:00');
  const links = join(root, 'sys/bus/pci/devices');
  const group = join(root, 'sys/kernel/iommu_groups/7/devices');
  for (const folder of [links, group, ...[A, B, C].map((bdf) => join(devices, bdf))])
    mkdirSync(folder, { recursive: true });
  for (const bdf of [A, B, C]) symlinkSync(`../../../devices/pci0000:00/${bdf}`, join(links, bdf));
  for (const bdf of [A, B]) {
    symlinkSync('../../../kernel/iommu_groups/7', join(devices, bdf, 'iommu_group'));
    symlinkSync(`../../../../devices/pci0000:00/${bdf}`, join(group, bdf));
  }
  mkdirSync(join(group, 'no address'));
  mkdirSync(join(devices, A, 'vfio-dev/vfio4'), { recursive: true });
  symlinkSync(`../${A}`, join(devices, B, 'physfn'));
  return root;
}

describe('where functions are found', () => {
  const root = tree();
  const host = new SysfsVfioHost(root);
  afterAll(() => rmSync(root, { recursive: true }));

  it('is sysfs: their group, their node, and whether they are virtual', async () => {
    expect(await host.find(A)).toEqual({ group: 7, vfioDevice: 'vfio4', virtual: false });
    expect(await host.find(B)).toEqual({ group: 7, vfioDevice: undefined, virtual: true });
    expect(await host.find(C)).toEqual({ group: undefined, vfioDevice: undefined, virtual: false });
  });

  it('is nowhere for a function that there is not', async () => {
    await expect(host.find('0000:09:00.0' as typeof A)).rejects.toMatchObject({ code: 'ERR_PCI_NOT_PRESENT' });
  });

  it('lists the functions of a group, in address order', async () => {
    expect([await host.members(7), await host.members(8)]).toEqual([[A, B], []]);
  });

  it('says what is in the way', async () => {
    const diagnosis = (await host.diagnose(C))!;
    expect(diagnosis.obstacles.map(({ code }) => code)).toContain('no_iommu_group');
    expect(await host.diagnose('0000:09:00.0' as typeof A)).toBeUndefined();
  });
});

import { parseBdf } from '@pci-recovery/core';
import fc from 'fast-check';
import { PciTopology } from '@pci-recovery/pci/topology';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { readAerCounters, readIommuGroups, readTopology, readZpciAttributes, Sysfs } from '../../src/host/index.js';
import { newDirectory, POWERNV, removeTrees, S390, sysfsTree, X86 } from './fixtures.js';

afterAll(removeTrees);

describe('the topology in sysfs', () => {
  it('has all functions with what they are', async () => {
    const { functions, findings } = await readTopology(new Sysfs({ root: await sysfsTree(X86) }));
    expect(findings).toEqual([]);
    expect(
      functions.map(({ bdf, bridge, portType, driver, iommuGroup }) => [bdf, bridge, portType, driver, iommuGroup]),
    ).toEqual([
      ['0000:00:06.0', true, 'root_port', 'pcieport', 5],
      ['0000:00:07.0', true, 'root_port', 'pcieport', 7],
      ['0000:01:00.0', false, 'endpoint', 'vfio-pci', 6],
      ['0000:02:00.0', false, 'endpoint', 'vfio-pci', 8],
      ['0000:02:00.1', false, 'endpoint', 'virtio-pci', 8],
    ]);
  });

  it('makes the tree of buses', async () => {
    const { functions } = await readTopology(new Sysfs({ root: await sysfsTree(X86) }));
    const tree = new PciTopology(functions);
    expect([...tree.below(parseBdf('0000:00:07.0'))].map(({ bdf }) => bdf)).toEqual(['0000:02:00.0', '0000:02:00.1']);
    expect(tree.rootPort(parseBdf('0000:01:00.0'))!.bdf).toBe('0000:00:06.0');
  });

  it('tells empty reset methods from none', async () => {
    const { functions } = await readTopology(new Sysfs({ root: await sysfsTree(X86) }));
    const methods = Object.fromEntries(functions.map(({ bdf, resetMethods }) => [bdf, resetMethods]));
    expect(methods['0000:01:00.0']).toEqual(['flr', 'bus']);
    expect(methods['0000:02:00.0']).toEqual([]);
    expect(methods['0000:02:00.1']).toBeUndefined();
  });

  it('knows physical and virtual functions of each other', async () => {
    const root = await sysfsTree([
      {
        bdf: '0000:03:00.0',
        above: 'pci0000:00',
        classCode: 0x020000,
        links: { virtfn10: '../0000:03:01.2', virtfn2: '../0000:03:00.2', virtfn1: '../junk' },
      },
      { bdf: '0000:03:00.2', above: 'pci0000:00', classCode: 0x020000, links: { physfn: '../0000:03:00.0' } },
      { bdf: '0000:03:01.2', above: 'pci0000:00', classCode: 0x020000, links: { physfn: '../0000:03:00.0' } },
    ]);
    const { functions, findings } = await readTopology(new Sysfs({ root }));
    expect(functions[0]!.virtualFunctions).toEqual(['0000:03:00.2', '0000:03:01.2']);
    expect(functions[1]!.physicalFunction).toBe('0000:03:00.0');
    expect(findings).toMatchObject([{ code: 'not_an_address', attribute: 'virtfn1', bdf: '0000:03:00.0' }]);
  });

  it('works without bridges, as on s390, and with one PHB a device, as on powernv', async () => {
    const [zpci] = (await readTopology(new Sysfs({ root: await sysfsTree(S390) }))).functions;
    expect(zpci).toMatchObject({ bdf: '0001:00:00.0', parent: undefined, bridge: false, resetMethods: ['bus'] });
    const [nvme] = (await readTopology(new Sysfs({ root: await sysfsTree(POWERNV) }))).functions;
    expect(nvme).toMatchObject({ parent: '0001:00:00.0', classCode: 0x010802 });
  });

  it('goes by the class where configuration space is not there or does not answer', async () => {
    const root = await sysfsTree(X86);
    await writeFile(`${root}/devices/pci0000:00/0000:00:06.0/config`, new Uint8Array(256).fill(0xff));
    const { functions, findings } = await readTopology(new Sysfs({ root }));
    expect(functions[0]).toMatchObject({ bridge: true });
    expect(functions[0]!.secondary).toBeUndefined();
    expect(findings).toMatchObject([{ code: 'bad_config', bdf: '0000:00:06.0' }]);
  });

  it('takes the 64 bytes that are all that others than root may read', async () => {
    const root = await sysfsTree(X86);
    const sysfs = new Sysfs({ root });
    const config = await sysfs.readBytes(parseBdf('0000:00:06.0'), 'config');
    await writeFile(`${root}/devices/pci0000:00/0000:00:06.0/config`, config!.subarray(0, 64));
    const { functions, findings } = await readTopology(sysfs);
    expect(functions[0]).toMatchObject({ bridge: true, secondary: 1 });
    expect(functions[0]!.portType).toBeUndefined();
    expect(findings).toEqual([]);
  });

  it('finds what is odd, and goes on', async () => {
    const root = await sysfsTree([
      {
        bdf: '0000:00:01.0',
        above: 'pci0000:00',
        classCode: 0x020000,
        links: { iommu_group: 'x/junk', physfn: 'junk' },
        files: { class: 'zero\n', driver_override: 'x'.repeat(70_000) },
      },
    ]);
    const { functions, findings } = await readTopology(new Sysfs({ root }));
    expect(functions).toMatchObject([{ classCode: undefined, iommuGroup: undefined, driverOverride: undefined }]);
    expect(findings.map(({ code, attribute }) => [code, attribute])).toEqual([
      ['not_a_number', 'class'],
      ['not_an_address', 'physfn'],
      ['unreadable', 'driver_override'],
      ['not_a_number', 'iommu_group'],
    ]);
  });

  it('never makes reading fail, whatever is in the files', async () => {
    const bdf = '0000:00:01.0';
    const root = await sysfsTree([{ bdf, above: 'pci0000:00', classCode: 0x020000 }]);
    const sysfs = new Sysfs({ root });
    const names = [
      'class',
      'vendor',
      'device',
      'config',
      'reset_method',
      'driver_override',
      'aer_dev_fatal',
      'function_id',
    ];
    const content = fc.uint8Array({ maxLength: 400 });
    const contents = fc.array(content, { minLength: names.length, maxLength: names.length });
    await fc.assert(
      fc.asyncProperty(contents, async (files) => {
        for (const [index, name] of names.entries())
          await writeFile(`${root}/devices/pci0000:00/${bdf}/${name}`, files[index]!);
        const { functions } = await readTopology(sysfs);
        expect(functions.map((fn) => fn.bdf)).toEqual([bdf]);
        await readAerCounters(sysfs, parseBdf(bdf));
        await readZpciAttributes(sysfs, parseBdf(bdf));
      }),
      { numRuns: 30 },
    );
  });

  it('stops when it is told to', async () => {
    const sysfs = new Sysfs({ root: await sysfsTree(X86) });
    await expect(readTopology(sysfs, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });
});

describe('IOMMU groups', () => {
  it('are read with their members, in order', async () => {
    const { groups, findings } = await readIommuGroups(new Sysfs({ root: await sysfsTree(X86) }));
    expect(groups.map(({ id, members }) => [id, members])).toEqual([
      [5, ['0000:00:06.0']],
      [6, ['0000:01:00.0']],
      [7, ['0000:00:07.0']],
      [8, ['0000:02:00.0', '0000:02:00.1']],
    ]);
    expect(groups[0]!.type).toBe('DMA-FQ');
    expect(findings).toEqual([]);
  });

  it('keep members that are no PCI functions apart, and find odd names', async () => {
    const root = await newDirectory();
    await mkdir(`${root}/kernel/iommu_groups/10/devices`, { recursive: true });
    await mkdir(`${root}/kernel/iommu_groups/junk`);
    await symlink('../x', `${root}/kernel/iommu_groups/10/devices/ACPI0007:00`);
    const { groups, findings } = await readIommuGroups(new Sysfs({ root }));
    expect(groups).toEqual([{ id: 10, members: [], others: ['ACPI0007:00'], type: undefined }]);
    expect(findings).toMatchObject([{ code: 'not_a_number', attribute: 'kernel/iommu_groups/junk' }]);
  });

  it('are none without an IOMMU', async () => {
    expect(await readIommuGroups(new Sysfs({ root: await newDirectory() }))).toEqual({ groups: [], findings: [] });
  });
});

import { parseBdf } from '@pci-recovery/core';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import {
  diagnoseVfio,
  isVfioDriver,
  leavesGroupAlone,
  parseLockedMemory,
  readHostFacts,
  restoreSysfs,
  type Diagnosis,
  type HostFacts,
  type HostFunction,
  type ObstacleCode,
} from '../../src/host/index.js';
import { newDirectory, removeTrees, sysfsWith, X86 } from './fixtures.js';

afterAll(removeTrees);

const NIC = parseBdf('0000:01:00.0');
const SIBLING = parseBdf('0000:01:00.1');

const nic: HostFunction = {
  bdf: NIC,
  bridge: false,
  parent: undefined,
  path: undefined,
  classCode: 0x020000,
  vendor: 0x8086,
  device: 1,
  virtualFunctions: [],
  driver: 'vfio-pci',
  driverOverride: undefined,
  iommuGroup: 6,
  resetMethods: ['flr'],
  vfioDevice: 'vfio0',
};

/** Everything in order; `change` says what is not. */
function facts(
  change: Partial<HostFacts> = {},
  fn: Omit<Partial<HostFunction>, 'driver'> & { readonly driver?: string | undefined } = {},
): HostFacts {
  const { driver = 'driver' in fn ? undefined : nic.driver, ...rest } = { ...fn };
  const { driver: _, ...plain } = nic;
  const one: HostFunction = { ...plain, ...rest, ...(driver !== undefined && { driver }) };
  return {
    arch: 'x64',
    functions: [one],
    groups: [{ id: 6, members: [NIC], others: [], type: 'DMA' }],
    container: 'usable',
    iommufd: 'usable',
    groupNodes: new Map([[6, 'usable']]),
    deviceNodes: new Map([[NIC, 'usable']]),
    vfioPci: true,
    lockedMemory: Infinity,
    findings: [],
    ...change,
  };
}

const first = (some: HostFacts): Diagnosis => diagnoseVfio(some)[0]!;
const unbound = { vfioDevice: undefined, driver: undefined };
const withSibling = (driver: string): Partial<HostFacts> => ({
  functions: [nic, { ...nic, bdf: SIBLING, driver, vfioDevice: undefined }],
  groups: [{ id: 6, members: [NIC, SIBLING], others: [], type: 'DMA' }],
});

describe('a diagnosis of VFIO', () => {
  it('finds nothing in the way when all is in order', () => {
    expect(first(facts())).toEqual({
      bdf: NIC,
      driver: 'vfio-pci',
      iommuGroup: 6,
      group: true,
      cdev: true,
      obstacles: [],
    });
  });

  it.each<[string, HostFacts, ObstacleCode[], group: boolean, cdev: boolean, RegExp]>([
    ['a bridge', facts({}, { bridge: true }), ['bridge'], false, false, /below it/],
    [
      'no IOMMU on x86',
      facts({ groups: [] }, { iommuGroup: undefined }),
      ['no_iommu_group'],
      false,
      false,
      /intel_iommu=on/,
    ],
    [
      'no IOMMU on PowerPC',
      facts({ groups: [], arch: 'ppc64' }, { iommuGroup: undefined }),
      ['no_iommu_group'],
      false,
      false,
      /SPAPR_TCE/,
    ],
    [
      'no IOMMU on s390',
      facts({ groups: [], arch: 's390x' }, { iommuGroup: undefined }),
      ['no_iommu_group'],
      false,
      false,
      /S390_IOMMU/,
    ],
    [
      'no IOMMU elsewhere',
      facts({ groups: [], arch: 'riscv64' }, { iommuGroup: undefined }),
      ['no_iommu_group'],
      false,
      false,
      /firmware/,
    ],
    [
      'no group although others have one',
      facts({}, { iommuGroup: undefined }),
      ['no_iommu_group'],
      false,
      false,
      /slot/,
    ],
    [
      'a sibling with a driver of the host',
      facts(withSibling('nvme')),
      ['group_not_viable'],
      false,
      false,
      /0000:01:00\.1/,
    ],
    ['no driver', facts({}, unbound), ['no_driver'], false, false, /driver_override/],
    ['another driver', facts({}, { ...unbound, driver: 'nvme' }), ['other_driver'], false, false, /unbind/],
    [
      'no module',
      facts({ vfioPci: false }, unbound),
      ['vfio_pci_missing', 'no_driver'],
      false,
      false,
      /modprobe vfio-pci/,
    ],
    ['no container node', facts({ container: 'absent' }), ['container_missing'], false, true, /modprobe vfio/],
    ['no right to the container', facts({ container: 'denied' }), ['container_denied'], false, true, /chmod/],
    ['no group node', facts({ groupNodes: new Map() }), ['group_node_missing'], false, true, /VFIO_GROUP/],
    [
      'no right to the group',
      facts({ groupNodes: new Map([[6, 'denied']]) }),
      ['group_node_denied'],
      false,
      true,
      /udev/,
    ],
    ['no device node', facts({ deviceNodes: new Map() }), ['device_node_missing'], true, false, /VFIO_DEVICE_CDEV/],
    [
      'no right to the device',
      facts({ deviceNodes: new Map([[NIC, 'denied']]) }),
      ['device_node_denied'],
      true,
      false,
      /udev/,
    ],
    ['no iommufd', facts({ iommufd: 'absent' }), ['iommufd_missing'], true, false, /IOMMUFD/],
    ['no right to iommufd', facts({ iommufd: 'denied' }), ['iommufd_denied'], true, false, /udev/],
    ['little memory to lock', facts({ lockedMemory: 8 * 2 ** 20 }), ['locked_memory'], true, true, /ulimit/],
    ['no reset method', facts({}, { resetMethods: undefined }), ['no_reset'], true, true, /hot reset/],
    ['reset methods switched off', facts({}, { resetMethods: [] }), ['no_reset'], true, true, /default/],
  ])('says what to change: %s', (_, some, codes, group, cdev, remedy) => {
    const diagnosis = first(some);
    expect(diagnosis.obstacles.map(({ code }) => code)).toEqual(codes);
    expect([diagnosis.group, diagnosis.cdev]).toEqual([group, cdev]);
    expect(diagnosis.obstacles[0]!.remedy).toMatch(remedy);
    for (const { message, remedy: text } of diagnosis.obstacles)
      expect(`${message}${text}`).not.toMatch(/undefined|NaN/);
  });

  it.each(['vfio-pci', 'pci-stub', 'pcieport', 'mlx5_vfio_pci', 'nvgrace-gpu-vfio-pci', 'hisi_acc_vfio_pci'])(
    'finds a group viable whose sibling is bound to %s',
    (driver) => {
      expect(first(facts(withSibling(driver))).group).toBe(true);
    },
  );

  it('finds a group viable whose sibling has no driver', () => {
    const some = facts(withSibling('x'));
    delete (some.functions[1] as { driver?: string }).driver;
    expect(first(some).group).toBe(true);
  });

  it('names everything that is in the way, the first thing to change first', () => {
    const some = facts(
      { groups: [], container: 'absent', iommufd: 'absent', vfioPci: false, lockedMemory: 65_536 },
      { ...unbound, iommuGroup: undefined, resetMethods: undefined },
    );
    expect(first(some).obstacles.map(({ code }) => code)).toEqual([
      'no_iommu_group',
      'vfio_pci_missing',
      'no_driver',
      'container_missing',
      'iommufd_missing',
      'locked_memory',
      'no_reset',
    ]);
  });

  it('tells what concerns the whole machine from what concerns one function or its group', () => {
    const some = facts({ ...withSibling('nvme'), container: 'absent' }, {});
    expect(first(some).obstacles.map(({ concerns }) => concerns)).toEqual(['group', 'machine']);
    expect(first(facts({}, { resetMethods: [] })).obstacles[0]!.concerns).toBe('function');
  });

  it.each(['nvme', 'vfio', 'vfio-pci-evil', 'xvfio-pci', 'pcieport2'])(
    'does not take %s for a driver of VFIO',
    (driver) => {
      expect([isVfioDriver(driver), leavesGroupAlone(driver)]).toEqual([false, false]);
    },
  );
});

describe('the facts of a host', () => {
  async function host(): Promise<string> {
    const root = await newDirectory();
    await restoreSysfs(sysfsWith(X86), `${root}/sys`);
    await mkdir(`${root}/dev/vfio/devices`, { recursive: true });
    await mkdir(`${root}/proc/self`, { recursive: true });
    for (const node of ['vfio', '6', '8', 'devices/vfio0']) await writeFile(`${root}/dev/vfio/${node}`, '');
    await writeFile(
      `${root}/proc/self/limits`,
      'Limit                     Soft Limit           Hard Limit           Units\nMax locked memory         8388608              unlimited            bytes     \n',
    );
    return root;
  }

  it('are read below any root', async () => {
    const read = await readHostFacts({ root: await host(), arch: 'x64' });
    expect(read).toMatchObject({ container: 'usable', iommufd: 'absent', vfioPci: true, lockedMemory: 8_388_608 });
    expect(Object.fromEntries(read.groupNodes)).toEqual({ 5: 'absent', 6: 'usable', 7: 'absent', 8: 'usable' });
    expect(Object.fromEntries(read.deviceNodes)).toEqual({ '0000:01:00.0': 'usable', '0000:02:00.0': 'absent' });
    const openable = diagnoseVfio(read).filter(({ group }) => group);
    expect(openable.map(({ bdf }) => bdf)).toEqual(['0000:01:00.0']);
  });

  const asRoot = process.getuid?.() === 0;
  (asRoot ? it.skip : it)(`tell rights${asRoot ? ' (not run: root may do everything)' : ''}`, async () => {
    const root = await host();
    await chmod(`${root}/dev/vfio/6`, 0o400);
    expect((await readHostFacts({ root })).groupNodes.get(6)).toBe('denied');
  });

  it('are few on a machine that has nothing', async () => {
    const read = await readHostFacts({ root: await newDirectory() });
    expect(read).toMatchObject({ functions: [], groups: [], container: 'absent', lockedMemory: undefined });
    expect(diagnoseVfio(read)).toEqual([]);
  });

  it.each([
    ['Max locked memory         unlimited            unlimited            bytes', Infinity],
    ['Max locked memory         65536                65536                bytes', 65_536],
    ['Max locked memory         junk                 junk                 bytes', undefined],
    ['', undefined],
  ])('have the limit of locked memory: %s', (text, bytes) => {
    expect(parseLockedMemory(text)).toBe(bytes);
  });
});

import { parseBdf, type Bdf } from '@pci-recovery/core';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import {
  bindDriver,
  busOf,
  overrideDriver,
  probeDrivers,
  recoverZpci,
  removeFunction,
  reportZpciError,
  rescan,
  resetFunction,
  setResetMethods,
  Sysfs,
  thawPe,
  unbindDriver,
} from '../../src/host/index.js';
import { newDirectory, POWERNV, removeTrees, S390, sysfsTree, X86 } from './fixtures.js';

afterAll(removeTrees);

const NIC = parseBdf('0000:01:00.0');
const HOME = 'devices/pci0000:00/0000:00:06.0/0000:01:00.0';

describe('sysfs', () => {
  let root: string;
  let sysfs: Sysfs;
  beforeAll(async () => {
    root = await sysfsTree(X86);
    sysfs = new Sysfs({ root });
  });

  it('lists functions in address order, and passes other names over', async () => {
    await writeFile(`${root}/bus/pci/devices/junk`, '');
    await writeFile(`${root}/bus/pci/devices/01:00.0`, '');
    expect(await sysfs.devices()).toEqual([
      '0000:00:06.0',
      '0000:00:07.0',
      '0000:01:00.0',
      '0000:02:00.0',
      '0000:02:00.1',
    ]);
  });

  it('has no functions where there is no PCI', async () => {
    expect(await new Sysfs({ root: await newDirectory() }).devices()).toEqual([]);
    expect(await new Sysfs({ root: '/nonexistent' }).devices()).toEqual([]);
  });

  it('reads an attribute without its final newline, and undefined where there is none', async () => {
    expect(await sysfs.read(NIC, 'vendor')).toBe('0x1af4');
    expect(await sysfs.read(NIC, 'eeh_mode')).toBeUndefined();
    expect(await sysfs.read(NIC, 'vendor/deeper')).toBeUndefined();
    expect(await sysfs.read(parseBdf('0000:7f:00.0'), 'vendor')).toBeUndefined();
  });

  it('reads bytes', async () => {
    const config = await sysfs.readBytes(NIC, 'config');
    expect(config).toHaveLength(256);
    expect([...config!.subarray(0, 4)]).toEqual([0xf4, 0x1a, 0x41, 0x10]);
  });

  it('writes bytes at an offset, and only those', async () => {
    const own = new Sysfs({ root: await sysfsTree(X86) });
    const before = (await own.readBytes(NIC, 'config'))!;
    await own.writeBytes(NIC, 'config', 4, Uint8Array.of(0xab, 0xcd));
    const after = [...(await own.readBytes(NIC, 'config'))!];
    expect(after).toEqual([...before.subarray(0, 4), 0xab, 0xcd, ...before.subarray(6)]);
    await expect(own.writeBytes(NIC, 'nothing', 0, Uint8Array.of(1))).rejects.toMatchObject({
      code: 'ERR_PCI_NOT_PRESENT',
    });
  });

  it('tells the last name of a link', async () => {
    expect(await sysfs.link(NIC, 'driver')).toBe('vfio-pci');
    expect(await sysfs.link(NIC, 'iommu_group')).toBe('6');
    expect(await sysfs.link(NIC, 'physfn')).toBeUndefined();
    expect(await sysfs.link(NIC, 'vendor')).toBeUndefined();
  });

  it('tells the function above by the device path', async () => {
    expect(await sysfs.parent(NIC)).toBe('0000:00:06.0');
    expect(await sysfs.parent(parseBdf('0000:00:06.0'))).toBeUndefined();
    expect(await sysfs.parent(parseBdf('0000:7f:00.0'))).toBeUndefined();
  });

  it('has no parent across the root bus of a VMD domain', async () => {
    const above = 'pci0000:00/0000:00:0e.0/pci10000:e0';
    const vmd = new Sysfs({ root: await sysfsTree([{ bdf: '10000:e0:06.0', above, classCode: 0x010802 }]) });
    expect(await vmd.parent(parseBdf('10000:e0:06.0'))).toBeUndefined();
  });

  it('refuses to guess when the entry of a function is no link', async () => {
    const odd = await newDirectory();
    await mkdir(`${odd}/bus/pci/devices/0000:00:01.0`, { recursive: true });
    const reading = new Sysfs({ root: odd }).parent(parseBdf('0000:00:01.0'));
    await expect(reading).rejects.toMatchObject({ code: 'ERR_PCI_BAD_SYSFS' });
  });
});

describe('paths in sysfs are made of addresses and names only', () => {
  async function tree(): Promise<{ root: string; sysfs: Sysfs }> {
    const root = await sysfsTree(X86);
    return { root, sysfs: new Sysfs({ root }) };
  }

  it.each(['../../../etc/passwd', '..', '.', '', '/etc/passwd', 'a//b', 'pfip/../../x', 'x\0y', 'n'.repeat(256)])(
    'refuses the attribute %j',
    async (attribute) => {
      const { sysfs } = await tree();
      const refusal = { code: 'ERR_PCI_BAD_PATH' };
      await expect(sysfs.read(NIC, attribute)).rejects.toMatchObject(refusal);
      await expect(sysfs.readBytes(NIC, attribute)).rejects.toMatchObject(refusal);
      await expect(sysfs.write(NIC, attribute, '1')).rejects.toMatchObject(refusal);
      await expect(sysfs.link(NIC, attribute)).rejects.toMatchObject(refusal);
    },
  );

  it('refuses an address that only claims to be one', async () => {
    const { sysfs } = await tree();
    await expect(sysfs.read('../../..' as Bdf, 'x')).rejects.toMatchObject({ code: 'ERR_PCI_BAD_BDF' });
    await expect(sysfs.parent('../x' as Bdf)).rejects.toMatchObject({ code: 'ERR_PCI_BAD_BDF' });
  });

  it('reads a link that leaves the root as text, and never follows it', async () => {
    const { root, sysfs } = await tree();
    await symlink('/etc/passwd', `${root}/${HOME}/rom`);
    await symlink('/etc', `${root}/${HOME}/firmware_node`);
    expect(await sysfs.link(NIC, 'rom')).toBe('passwd');
    await expect(sysfs.read(NIC, 'rom')).rejects.toMatchObject({ code: 'ERR_PCI_PATH_ESCAPES' });
    await expect(sysfs.read(NIC, 'firmware_node/passwd')).rejects.toMatchObject({ code: 'ERR_PCI_PATH_ESCAPES' });
    await expect(sysfs.write(NIC, 'rom', 'x')).rejects.toMatchObject({ code: 'ERR_PCI_PATH_ESCAPES' });
  });

  it('names a loop of links', async () => {
    const { root, sysfs } = await tree();
    await symlink('loop', `${root}/${HOME}/loop`);
    await expect(sysfs.read(NIC, 'loop')).rejects.toMatchObject({ context: { errno: 'ELOOP' } });
  });

  it('reads at most 64 KiB, and only regular files', async () => {
    const { root, sysfs } = await tree();
    await writeFile(`${root}/${HOME}/small`, 'x'.repeat(65_536));
    await writeFile(`${root}/${HOME}/large`, 'x'.repeat(65_537));
    expect(await sysfs.read(NIC, 'small')).toHaveLength(65_536);
    await expect(sysfs.read(NIC, 'large')).rejects.toMatchObject({ code: 'ERR_PCI_FILE_TOO_LARGE' });
    await mkdir(`${root}/${HOME}/power`);
    await expect(sysfs.read(NIC, 'power')).rejects.toMatchObject({ code: 'ERR_PCI_NOT_A_FILE' });
  });
});

describe('orders to sysfs', () => {
  let root: string;
  let sysfs: Sysfs;
  const written = (path: string): Promise<string> => readFile(`${root}/${path}`, 'utf8');
  beforeEach(async () => {
    root = await sysfsTree([
      ...X86,
      ...POWERNV,
      ...S390.map((fn) => ({ ...fn, bdf: '0002:00:00.0', above: 'pci0002:00' })),
    ]);
    await mkdir(`${root}/class/pci_bus/0000:01`, { recursive: true });
    await writeFile(`${root}/class/pci_bus/0000:01/rescan`, '');
    sysfs = new Sysfs({ root });
  });

  const zpci = parseBdf('0002:00:00.0');
  const nvme = parseBdf('0001:01:00.0');
  const zpciHome = 'devices/pci0002:00/0002:00:00.0';

  it.each<[string, () => Promise<void>, string, string]>([
    ['remove', () => removeFunction(sysfs, NIC), `${HOME}/remove`, '1'],
    ['rescan everything', () => rescan(sysfs), 'bus/pci/rescan', '1'],
    ['rescan beside a function', () => rescan(sysfs, { besides: NIC }), `${HOME}/rescan`, '1'],
    ['rescan a bus', () => rescan(sysfs, busOf(NIC)), 'class/pci_bus/0000:01/rescan', '1'],
    ['reset', () => resetFunction(sysfs, NIC), `${HOME}/reset`, '1'],
    ['reset methods', () => setResetMethods(sysfs, NIC, ['bus', 'flr']), `${HOME}/reset_method`, 'bus flr\n'],
    ['no reset method', () => setResetMethods(sysfs, NIC, []), `${HOME}/reset_method`, '\n'],
    ['default reset methods', () => setResetMethods(sysfs, NIC, 'default'), `${HOME}/reset_method`, 'default\n'],
    ['override', () => overrideDriver(sysfs, NIC, 'vfio-pci'), `${HOME}/driver_override`, 'vfio-pci'],
    ['no override', () => overrideDriver(sysfs, NIC, undefined), `${HOME}/driver_override`, '\n'],
    ['unbind', () => unbindDriver(sysfs, NIC), 'bus/pci/drivers/vfio-pci/unbind', NIC],
    ['bind', () => bindDriver(sysfs, NIC, 'virtio-pci'), 'bus/pci/drivers/virtio-pci/bind', NIC],
    ['probe', () => probeDrivers(sysfs, NIC), 'bus/pci/drivers_probe', NIC],
    ['thaw', () => thawPe(sysfs, nvme), 'devices/pci0001:00/0001:00:00.0/0001:01:00.0/eeh_pe_state', '1'],
    ['recover zPCI', () => recoverZpci(sysfs, zpci), `${zpciHome}/recover`, '1'],
    [
      'report',
      () => reportZpciError(sysfs, zpci, new Uint8Array([1, 2, 0, 0])),
      `${zpciHome}/report_error`,
      '\x01\x02\0\0',
    ],
  ])('%s', async (_, order, path, text) => {
    await order();
    expect(await written(path)).toBe(text);
  });

  it.each<[string, () => Promise<void>]>([
    ['a function that is gone', () => removeFunction(sysfs, parseBdf('0000:7f:00.0'))],
    ['a driver that is not there', () => bindDriver(sysfs, NIC, 'nvme2')],
    ['unbinding without a driver', () => unbindDriver(sysfs, parseBdf('0000:7f:00.0'))],
    ['a bus that is not there', () => rescan(sysfs, { domain: 0, bus: 9 })],
    ['an attribute that is not there', () => thawPe(sysfs, NIC)],
  ])('says that there is none: %s', async (_, order) => {
    await expect(order()).rejects.toMatchObject({ code: 'ERR_PCI_NOT_PRESENT', context: { errno: 'ENOENT' } });
  });

  it.each<[string, () => Promise<void>, string]>([
    ['a driver with a slash', () => bindDriver(sysfs, NIC, '../x'), 'ERR_PCI_BAD_SETTING'],
    ['an override of two lines', () => overrideDriver(sysfs, NIC, 'a\nb'), 'ERR_PCI_BAD_SETTING'],
    ['a reset method of two words', () => setResetMethods(sysfs, NIC, ['flr bus']), 'ERR_PCI_BAD_SETTING'],
    ['bus 256', () => rescan(sysfs, { domain: 0, bus: 256 }), 'ERR_PCI_BAD_BDF'],
    ['domain −1', () => rescan(sysfs, { domain: -1, bus: 0 }), 'ERR_PCI_BAD_BDF'],
  ])('refuses %s before anything is written', async (_, order, code) => {
    await expect(order()).rejects.toMatchObject({ code });
  });
});

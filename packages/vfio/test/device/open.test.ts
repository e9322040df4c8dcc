import { openVfioDevice, VfioOwnership } from '../../src/index.js';
import { A, B, Lab, ONE, ONE_GROUP, TWO_GROUPS, withDriver } from './lab.js';

const CDEV = { ...ONE, cdev: true };

describe('opening by group', () => {
  it('opens container, group and device, in this order, and closes the device first', async () => {
    const lab = new Lab(ONE);
    const device = await lab.open(A);
    expect(device.heldBy).toBe('group');
    expect(lab.asked.slice(0, 9)).toEqual([
      'open',
      'VFIO_GET_API_VERSION',
      'open',
      'VFIO_GROUP_GET_STATUS',
      'VFIO_GROUP_SET_CONTAINER',
      'VFIO_CHECK_EXTENSION',
      'VFIO_SET_IOMMU',
      'VFIO_GROUP_GET_DEVICE_FD',
      'VFIO_DEVICE_GET_REGION_INFO',
    ]);
    expect(lab.ownership.groups).toEqual([7]);
    await device.close();
    const closed = lab.calls.filter(({ call }) => call === 'closeAsync').map(({ file }) => file);
    expect(closed).toEqual(['anon_inode:[vfio-device]', '/dev/vfio/7', '/dev/vfio/vfio']);
    expect([lab.left, lab.ownership.groups, lab.ownership.devices]).toEqual([[], [], []]);
  });

  it('opens a group once for all devices of it, also when they are opened at the same time', async () => {
    const lab = new Lab(ONE_GROUP);
    const [first, second] = await Promise.all([lab.open(A), lab.open(B)]);
    expect(lab.count('VFIO_GROUP_SET_CONTAINER')).toBe(1);
    expect(first.dma).toBe(second.dma);
    await first.close();
    expect(lab.ownership.groups).toEqual([7]);
    await second.close();
    expect(lab.left).toEqual([]);
  });

  it('waits for a group that is being closed: the kernel answers EBUSY before', async () => {
    const lab = new Lab(ONE);
    const first = await lab.open(A);
    const held = lab.kernel.script({ call: 'close', file: '/dev/vfio/7', hold: true });
    const closing = first.close();
    await lab.turn();
    const opening = openVfioDevice(A, lab.options);
    await lab.turn();
    expect(lab.calls.filter(({ path }) => path === '/dev/vfio/7')).toHaveLength(1);
    held.release();
    await closing;
    await (await opening).close();
    expect(lab.left).toEqual([]);
  });

  it('gives each group a container of its own', async () => {
    const lab = new Lab(TWO_GROUPS);
    const [first, second] = [await lab.open(A), await lab.open(B)];
    expect(first.dma).not.toBe(second.dma);
    expect(lab.calls.filter(({ path }) => path === '/dev/vfio/vfio')).toHaveLength(2);
    await Promise.all([first.close(), second.close()]);
    expect(lab.left).toEqual([]);
  });

  it('takes the kind of IOMMU that it is told', async () => {
    const lab = new Lab(ONE);
    const device = await lab.open(A, { iommu: 'type1Iommu' });
    expect(lab.calls.find(({ request }) => request === 'VFIO_SET_IOMMU')?.argument).toBe(1);
    await device.close();
  });

  it('gives the VF token behind the address, as the kernel wants it', async () => {
    const lab = new Lab(ONE);
    lab.kernel.script({ call: 'ioctl', request: 'VFIO_GROUP_GET_DEVICE_FD', result: 'EACCES' });
    const vfToken = '2ab74924-c335-45f4-9b16-8569e5b08258';
    await expect(lab.open(A, { vfToken })).rejects.toThrow('vfToken');
    const { argument } = lab.calls.find(({ request }) => request === 'VFIO_GROUP_GET_DEVICE_FD')!;
    expect(new TextDecoder().decode(argument as Uint8Array)).toBe(`${A} vf_token=${vfToken}\0`);
    expect(lab.left).toEqual([]);
  });

  it('never opens without an IOMMU', async () => {
    const lab = new Lab(ONE);
    lab.kernel.script({ call: 'ioctl', request: 'VFIO_SET_IOMMU', result: 0 });
    await expect(lab.open(A, { iommu: 'noiommuIommu' })).rejects.toMatchObject({ code: 'ERR_PCI_UNSUPPORTED' });
    await lab.turn();
    expect(lab.left).toEqual([]);
  });
});

describe('opening by the own node', () => {
  it('is done where node and iommufd are there, and closes the device first', async () => {
    const lab = new Lab(CDEV);
    const device = await lab.open(A);
    expect([device.heldBy, lab.ownership.groups, lab.ownership.devices]).toEqual(['cdev', [], [A]]);
    expect(lab.asked.slice(0, 6)).toEqual([
      'open',
      'open',
      'IOMMU_IOAS_ALLOC',
      'VFIO_DEVICE_BIND_IOMMUFD',
      'VFIO_DEVICE_ATTACH_IOMMUFD_PT',
      'VFIO_DEVICE_GET_REGION_INFO',
    ]);
    await device.close();
    const closed = lab.calls.filter(({ call }) => call === 'closeAsync').map(({ file }) => file);
    expect(closed).toEqual(['/dev/vfio/devices/vfio0', '/dev/iommu']);
    expect([lab.count('IOMMU_DESTROY'), lab.left]).toEqual([1, []]);
  });

  it('binds all devices to one iommufd, with one address space for each group', async () => {
    const lab = new Lab({ ...TWO_GROUPS, cdev: true });
    const [first, second] = [await lab.open(A), await lab.open(B)];
    expect(lab.calls.filter(({ path }) => path === '/dev/iommu')).toHaveLength(1);
    expect(lab.count('IOMMU_IOAS_ALLOC')).toBe(2);
    await first.close();
    expect(lab.left).toContain('/dev/iommu');
    await second.close();
    expect(lab.left).toEqual([]);
  });

  it('gives two functions of a group one address space', async () => {
    const lab = new Lab({ ...ONE_GROUP, cdev: true });
    const [first, second] = await Promise.all([lab.open(A), lab.open(B)]);
    expect(first.dma).toBe(second.dma);
    await Promise.all([first.close(), second.close()]);
    expect(lab.left).toEqual([]);
  });

  it.each(['ENOENT', 'ENODEV', 'ENXIO', 'EACCES', 'EPERM'])(
    'gives way to the group where a node cannot be opened: %s',
    async (errno) => {
      for (const file of ['/dev/iommu', '/dev/vfio/devices/vfio0']) {
        const lab = new Lab(CDEV);
        lab.kernel.script({ call: 'open', file, result: errno });
        const device = await lab.open(A);
        expect(device.heldBy).toBe('group');
        await device.close();
        expect(lab.left).toEqual([]);
      }
    },
  );

  it('does not give way when it is asked for', async () => {
    const lab = new Lab(CDEV);
    lab.kernel.script({ call: 'open', file: '/dev/iommu', result: 'EACCES' });
    await expect(lab.open(A, { way: 'cdev' })).rejects.toMatchObject({
      code: 'ERR_PCI_PERMISSION',
      context: { path: '/dev/iommu', errno: 'EACCES' },
    });
    expect(lab.left).toEqual([]);
  });

  it('is not there on a kernel without such nodes', async () => {
    const lab = new Lab(ONE);
    await expect(lab.open(A, { way: 'cdev' })).rejects.toMatchObject({ code: 'ERR_PCI_NOT_PRESENT' });
    expect((await lab.open(A, { way: 'group' }).then((device) => device.close())) as unknown).toBeUndefined();
  });

  it('does not give way to the group when somebody else has it: that would be in the way as well', async () => {
    const lab = new Lab(CDEV);
    const other = lab.kernel.spawn();
    const held = await lab.open(A, { syscalls: other, ownership: new VfioOwnership(), way: 'group' });
    await expect(lab.open(A)).rejects.toMatchObject({ code: 'ERR_PCI_BUSY', context: { errno: 'EBUSY' } });
    expect(lab.kernel.openDescriptors).toEqual([]);
    await held.close();
  });
});

describe('opening while the host recovers the device', () => {
  it.each([ONE, CDEV])('is tried again until the host has ended', async (machine) => {
    const lab = new Lab(machine);
    void lab.kernel.error(A, { severity: 'fatal' }).play(lab.clock);
    const device = await lab.open(A);
    expect(lab.clock.monotonic()).toBeGreaterThanOrEqual(140e6);
    await device.close();
    expect(lab.left).toEqual([]);
  });

  it('can be aborted, and leaves nothing open', async () => {
    const lab = new Lab(ONE);
    lab.kernel.error(A, { severity: 'fatal' }).until('notified');
    const aborter = new AbortController();
    lab.clock.after(10, () => aborter.abort());
    await expect(lab.open(A, { signal: aborter.signal })).rejects.toMatchObject({ code: 'ERR_PCI_ABORTED' });
    expect(lab.left).toEqual([]);
  });

  it('is given up when that takes too long', async () => {
    const lab = new Lab(ONE);
    lab.kernel.error(A, { severity: 'fatal' }).until('notified');
    await expect(lab.open(A, { retry: { limit: 100 } })).rejects.toMatchObject({
      code: 'ERR_PCI_DEADLINE',
      context: { errno: 'EAGAIN', call: 'VFIO_GROUP_GET_DEVICE_FD' },
    });
    expect(lab.left).toEqual([]);
  });
});

/** Opening fails at its last call, and so does one close, although it closes. */
async function failsTwice(way: 'group' | 'cdev', file: RegExp) {
  const lab = new Lab(way === 'cdev' ? CDEV : ONE);
  lab.kernel.script({ call: 'ioctl', request: 'VFIO_DEVICE_GET_REGION_INFO', result: 'ENXIO' });
  lab.kernel.script({ call: 'close', file, reply: () => -5 });
  await expect(lab.open(A)).rejects.toMatchObject({
    context: { call: 'VFIO_DEVICE_GET_REGION_INFO', errno: 'ENXIO' },
  });
  await lab.turn();
  expect(lab.left).toEqual([]);
}

describe('opening that fails', () => {
  it.each([
    ['group', /vfio-device/],
    ['group', /^.dev.vfio.7$/],
    ['group', /^.dev.vfio.vfio$/],
    ['cdev', /^.dev.vfio.devices/],
    ['cdev', /^.dev.iommu$/],
  ] as const)('by %s says so, and closes everything also when closing %p fails', async (way, file) => {
    await failsTwice(way, file);
  });

  it('is told when everything is closed: who tries again at once finds the group free', async () => {
    const lab = new Lab(ONE);
    lab.kernel.script({ call: 'ioctl', request: 'VFIO_SET_IOMMU', times: 1, result: 'EPERM' });
    const held = lab.kernel.script({ call: 'close', file: '/dev/vfio/7', hold: true });
    let told = false;
    const opening = openVfioDevice(A, lab.options).catch((error: unknown) => ((told = true), error));
    await lab.turn();
    expect(told).toBe(false);
    held.release();
    expect(await opening).toMatchObject({ context: { call: 'VFIO_SET_IOMMU', errno: 'EPERM' } });
    await (await lab.open(A, { ownership: new VfioOwnership() })).close();
    expect(lab.left).toEqual([]);
  });

  it.each(['group', 'cdev'] as const)('by %s for want of request numbers leaves nothing open', async (way) => {
    const lab = new Lab(way === 'cdev' ? CDEV : ONE);
    await expect(lab.open(A, { arch: 'vax', way })).rejects.toMatchObject({ code: 'ERR_PCI_UNKNOWN_ARCHITECTURE' });
    await lab.turn();
    expect(lab.left).toEqual([]);
  });
});

/** Calls that opening makes, and what each can answer. */
const FAILURES: readonly (readonly [
  way: 'group' | 'cdev',
  call: 'open' | 'ioctl',
  what: string,
  errno: string,
  code: string,
])[] = [
  ['group', 'open', '/dev/vfio/vfio', 'ENOENT', 'ERR_PCI_NOT_PRESENT'],
  ['group', 'open', '/dev/vfio/vfio', 'EACCES', 'ERR_PCI_PERMISSION'],
  ['group', 'open', '/dev/vfio/7', 'ENOENT', 'ERR_PCI_NOT_PRESENT'],
  ['group', 'open', '/dev/vfio/7', 'EACCES', 'ERR_PCI_PERMISSION'],
  ['group', 'open', '/dev/vfio/7', 'EBUSY', 'ERR_PCI_BUSY'],
  ['group', 'open', '/dev/vfio/7', 'EPERM', 'ERR_PCI_PERMISSION'],
  ['group', 'open', '/dev/vfio/7', 'EMFILE', 'ERR_PCI_LIMIT'],
  ['group', 'ioctl', 'VFIO_GROUP_GET_STATUS', 'ENODEV', 'ERR_PCI_NOT_PRESENT'],
  ['group', 'ioctl', 'VFIO_GROUP_SET_CONTAINER', 'EPERM', 'ERR_PCI_GROUP_NOT_VIABLE'],
  ['group', 'ioctl', 'VFIO_GROUP_SET_CONTAINER', 'EBUSY', 'ERR_PCI_BUSY'],
  ['group', 'ioctl', 'VFIO_GROUP_SET_CONTAINER', 'EINVAL', 'ERR_PCI_BUSY'],
  ['group', 'ioctl', 'VFIO_CHECK_EXTENSION', 'EINVAL', 'ERR_PCI_SYSCALL'],
  ['group', 'ioctl', 'VFIO_SET_IOMMU', 'ENODEV', 'ERR_PCI_UNSUPPORTED'],
  ['group', 'ioctl', 'VFIO_SET_IOMMU', 'EPERM', 'ERR_PCI_PERMISSION'],
  ['group', 'ioctl', 'VFIO_GROUP_GET_DEVICE_FD', 'ENODEV', 'ERR_PCI_NOT_BOUND'],
  ['group', 'ioctl', 'VFIO_GROUP_GET_DEVICE_FD', 'EINVAL', 'ERR_PCI_SYSCALL'],
  ['group', 'ioctl', 'VFIO_GROUP_GET_DEVICE_FD', 'EACCES', 'ERR_PCI_PERMISSION'],
  ['group', 'ioctl', 'VFIO_GROUP_GET_DEVICE_FD', 'EBUSY', 'ERR_PCI_BUSY'],
  ['group', 'ioctl', 'VFIO_DEVICE_GET_REGION_INFO', 'EIO', 'ERR_PCI_SYSCALL'],
  ['cdev', 'open', '/dev/iommu', 'ENOENT', 'ERR_PCI_NOT_PRESENT'],
  ['cdev', 'open', '/dev/vfio/devices/vfio0', 'EACCES', 'ERR_PCI_PERMISSION'],
  ['cdev', 'ioctl', 'IOMMU_IOAS_ALLOC', 'ENOMEM', 'ERR_PCI_LIMIT'],
  ['cdev', 'ioctl', 'VFIO_DEVICE_BIND_IOMMUFD', 'EBUSY', 'ERR_PCI_BUSY'],
  ['cdev', 'ioctl', 'VFIO_DEVICE_BIND_IOMMUFD', 'EPERM', 'ERR_PCI_GROUP_NOT_VIABLE'],
  ['cdev', 'ioctl', 'VFIO_DEVICE_BIND_IOMMUFD', 'EACCES', 'ERR_PCI_PERMISSION'],
  ['cdev', 'ioctl', 'VFIO_DEVICE_ATTACH_IOMMUFD_PT', 'EBUSY', 'ERR_PCI_BUSY'],
  ['cdev', 'ioctl', 'VFIO_DEVICE_GET_REGION_INFO', 'EIO', 'ERR_PCI_SYSCALL'],
];

describe('opening that fails', () => {
  it.each(FAILURES)(
    'by %s at %s of %s with %s throws %s, and leaves nothing open',
    async (way, call, what, errno, code) => {
      const lab = new Lab(CDEV);
      const script = call === 'open' ? { call, file: what } : { call, request: what as 'VFIO_SET_IOMMU' };
      lab.kernel.script({ ...script, result: errno });
      await expect(lab.open(A, { way })).rejects.toMatchObject({ code, context: { errno } });
      await lab.turn();
      expect([lab.left, lab.ownership.groups, lab.ownership.devices]).toEqual([[], [], []]);
    },
  );

  it('says that the kernel speaks another version of the interface', async () => {
    const lab = new Lab(ONE);
    lab.kernel.script({ call: 'ioctl', request: 'VFIO_GET_API_VERSION', result: 1 });
    await expect(lab.open(A)).rejects.toMatchObject({ code: 'ERR_PCI_KERNEL_REPLY' });
    await lab.turn();
    expect(lab.left).toEqual([]);
  });

  it('says that no kind of IOMMU is served', async () => {
    const lab = new Lab(ONE);
    lab.kernel.script({ call: 'ioctl', request: 'VFIO_CHECK_EXTENSION', result: 0 });
    await expect(lab.open(A)).rejects.toThrow('modprobe vfio_iommu_type1');
    await lab.turn();
    expect(lab.left).toEqual([]);
  });

  it('says that a driver of the host has a function of the group', async () => {
    const lab = new Lab(withDriver(ONE_GROUP, B, 'e1000e'));
    await expect(lab.open(A)).rejects.toMatchObject({ code: 'ERR_PCI_GROUP_NOT_VIABLE', context: { group: 7 } });
    await lab.turn();
    expect(lab.left).toEqual([]);
  });

  it('says that there is no such function, or no such address', async () => {
    const lab = new Lab(ONE);
    await expect(lab.open('0000:09:00.0')).rejects.toMatchObject({ code: 'ERR_PCI_NOT_PRESENT' });
    await expect(lab.open('nonsense')).rejects.toMatchObject({ code: 'ERR_PCI_BAD_BDF' });
    expect(lab.calls).toEqual([]);
  });

  it('says that there is no IOMMU', async () => {
    for (const way of ['group', 'cdev'] as const) {
      const lab = new Lab({ ...CDEV, iommu: 'off' });
      await expect(lab.open(A, { way })).rejects.toMatchObject({ code: 'ERR_PCI_NO_IOMMU' });
      expect(lab.left).toEqual([]);
    }
  });
});

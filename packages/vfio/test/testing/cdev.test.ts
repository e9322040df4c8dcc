import { type MachineDescription, ScriptedKernel } from '../../src/testing/index.js';
import {
  attachIommufd,
  bindIommufd,
  detachIommufd,
  hotReset,
  hotResetInfo,
  ioasAlloc,
  ioasIovaRanges,
  ioasMap,
  ioasUnmap,
  iommuDestroy,
  WHOLE_IOAS,
} from '../../src/uapi/index.js';
import { BDF, named, PORT, Program } from './programs.js';

const SIBLING = '0000:01:00.1';
const machine: MachineDescription = {
  arch: 'x64',
  cdev: true,
  ports: [{ bdf: PORT }],
  groups: [
    {
      number: 1,
      functions: [
        { bdf: BDF, port: PORT },
        { bdf: SIBLING, port: PORT },
      ],
    },
  ],
};

function opened() {
  const kernel = new ScriptedKernel(machine);
  const program = new Program(kernel);
  const iommufd = program.open('/dev/iommu');
  const device = program.open('/dev/vfio/devices/vfio0');
  const bind = (fd = device, to = iommufd): string | number =>
    program.ioctl(fd, 'VFIO_DEVICE_BIND_IOMMUFD', bindIommufd.encodeRequest(to));
  const allocate = (): number => {
    const request = ioasAlloc.encodeRequest();
    expect(program.ioctl(iommufd, 'IOMMU_IOAS_ALLOC', request)).toBe(0);
    return ioasAlloc.decodeReply(request);
  };
  return { kernel, program, iommufd, device, bind, allocate };
}

describe('a device through its own node', () => {
  it('answers nothing before it is bound: EINVAL', () => {
    const { kernel, program, device } = opened();
    expect(program.ioctl(device, 'VFIO_DEVICE_RESET')).toBe('EINVAL');
    expect(program.config(device, 0, 4)).toBe('EINVAL');
    expect(named(kernel.mmap(device, 4096, 3, 0n) as number)).toBe('EINVAL');
  });

  it('is bound once, to an iommufd, and tells its number', () => {
    const { kernel, program, iommufd, device, bind } = opened();
    expect(bind(device, 999)).toBe('EBADF');
    expect(bind(device, kernel.eventfd(0))).toBe('EBADFD');
    const request = bindIommufd.encodeRequest(iommufd);
    expect(program.ioctl(device, 'VFIO_DEVICE_BIND_IOMMUFD', request)).toBe(0);
    expect(bindIommufd.decodeReply(request)).toBeGreaterThan(0);
    expect(bind()).toBe('EINVAL');
    expect(bind(program.open('/dev/vfio/devices/vfio0'))).toBe('EINVAL');
    expect(program.ioctl(device, 'VFIO_DEVICE_RESET')).toBe(0);
  });

  it('and its group exclude each other: EBUSY', () => {
    const { kernel, program, bind, device } = opened();
    const group = program.open('/dev/vfio/1');
    expect(bind()).toBe('EBUSY');
    kernel.close(group);
    expect(bind()).toBe(0);
    expect(named(program.open('/dev/vfio/1'))).toBe('EBUSY');
    kernel.close(device);
    expect(program.open('/dev/vfio/1')).toBeGreaterThan(0);
  });

  it('belongs to one iommufd with all of its group: EPERM for another', () => {
    const { program, bind } = opened();
    expect(bind()).toBe(0);
    const other = program.open('/dev/iommu');
    expect(bind(program.open('/dev/vfio/devices/vfio1'), other)).toBe('EPERM');
  });

  it('is attached to an address space, which is in use then', () => {
    const { program, iommufd, device, bind, allocate } = opened();
    bind();
    const ioas = allocate();
    const attach = attachIommufd.encodeRequest(ioas);
    expect(program.ioctl(device, 'VFIO_DEVICE_ATTACH_IOMMUFD_PT', attach)).toBe(0);
    const table = attachIommufd.decodeReply(attach);
    expect(table).not.toBe(ioas);
    const destroy = (id: number): unknown => program.ioctl(iommufd, 'IOMMU_DESTROY', iommuDestroy.encodeRequest(id));
    expect([destroy(ioas), destroy(9999)]).toEqual(['EBUSY', 'ENOENT']);
    expect(program.ioctl(device, 'VFIO_DEVICE_DETACH_IOMMUFD_PT', detachIommufd.encodeRequest())).toBe(0);
    expect(program.ioctl(device, 'VFIO_DEVICE_DETACH_IOMMUFD_PT', detachIommufd.encodeRequest())).toBe(0);
    expect(destroy(ioas)).toBe(0);
    const gone = attachIommufd.encodeRequest(ioas);
    expect(program.ioctl(device, 'VFIO_DEVICE_ATTACH_IOMMUFD_PT', gone)).toBe('ENOENT');
  });

  it('is hot reset without an array; a sibling that nobody opened is owned through the group (R4.2)', () => {
    const { program, device, bind } = opened();
    bind();
    expect(program.ask(device, hotResetInfo.query())).toMatchObject({
      mode: 'cdev',
      owned: true,
      functions: [
        { bdf: BDF, owned: 'id' },
        { bdf: SIBLING, owned: 'group' },
      ],
    });
    expect(program.ioctl(device, 'VFIO_DEVICE_PCI_HOT_RESET', hotReset.byDeviceIds())).toBe(0);
    expect(program.ioctl(device, 'VFIO_DEVICE_PCI_HOT_RESET', hotReset.byGroups([device]))).toBe('EINVAL');
  });

  it('a sibling in another group stands in the way', () => {
    const [group] = machine.groups;
    const [first, second] = group!.functions;
    const groups = [
      { number: 1, functions: [first!] },
      { number: 2, functions: [second!] },
    ];
    const kernel = new ScriptedKernel({ ...machine, groups });
    const program = new Program(kernel);
    const iommufd = program.open('/dev/iommu');
    const device = program.open('/dev/vfio/devices/vfio0');
    program.ioctl(device, 'VFIO_DEVICE_BIND_IOMMUFD', bindIommufd.encodeRequest(iommufd));
    expect(program.ask(device, hotResetInfo.query())).toMatchObject({
      owned: false,
      functions: [{}, { owned: 'not' }],
    });
    expect(program.ioctl(device, 'VFIO_DEVICE_PCI_HOT_RESET', hotReset.byDeviceIds())).toBe('EINVAL');
  });
});

describe('address spaces of an iommufd', () => {
  it('map where they are told, or where they like, and unmap whole mappings', () => {
    const { kernel, program, iommufd, allocate } = opened();
    const ioas = allocate();
    const { address } = kernel.mmap(-1, 8192, 3, 0n) as { address: bigint };
    const map = (iova: bigint | undefined, length = 4096n): unknown => {
      const wanted = { ioas, address, length, read: true, write: true, ...(iova !== undefined && { iova }) };
      const request = ioasMap.encodeRequest(wanted);
      const result = program.ioctl(iommufd, 'IOMMU_IOAS_MAP', request);
      return result === 0 ? ioasMap.decodeReply(request, wanted) : result;
    };
    const unmap = (iova: bigint, length: bigint): unknown => {
      const request = ioasUnmap.encodeRequest({ ioas, iova, length });
      const result = program.ioctl(iommufd, 'IOMMU_IOAS_UNMAP', request);
      return result === 0 ? ioasUnmap.decodeReply(request, { ioas, iova, length }) : result;
    };
    expect(map(0x10_0000n, 8192n)).toBe(0x10_0000n);
    expect(map(0x10_1000n)).toBe('EEXIST');
    expect(map(0xfee0_0000n)).toBe('EINVAL');
    const chosen = map(undefined) as bigint;
    expect(chosen % 4096n).toBe(0n);
    expect(unmap(0x10_0000n, 4096n)).toBe('ENOENT');
    expect(unmap(0x10_0000n, 8192n)).toBe(8192n);
    expect(unmap(0x10_0000n, 8192n)).toBe('ENOENT');
    expect(unmap(0n, WHOLE_IOAS)).toBe(4096n);
  });

  it('tell their ranges, and how many there are when they do not fit', () => {
    const { kernel, program, iommufd, allocate } = opened();
    const ioas = allocate();
    const memory = new Uint8Array(ioasIovaRanges.bytesFor(2));
    const ask = (count: number): Uint8Array => ioasIovaRanges.encodeRequest(ioas, kernel.addressOf(memory), count);
    const short = ask(1);
    expect(program.ioctl(iommufd, 'IOMMU_IOAS_IOVA_RANGES', short)).toBe('EMSGSIZE');
    expect(ioasIovaRanges.decodeReply(short)).toEqual({ count: 2, alignment: 4096n });
    expect(program.ioctl(iommufd, 'IOMMU_IOAS_IOVA_RANGES', ask(2))).toBe(0);
    expect(ioasIovaRanges.decodeRanges(memory, 2)).toEqual([
      { start: 0n, last: 0xfedf_ffffn },
      { start: 0xfef0_0000n, last: 0x7f_ffff_ffffn },
    ]);
  });

  it('refuse what is newer than they know: E2BIG, and zeros behind what they know', () => {
    const { program, iommufd } = opened();
    const longer = new Uint8Array(20);
    longer.set(new Uint8Array(new Uint32Array([20]).buffer));
    expect(program.ioctl(iommufd, 'IOMMU_IOAS_ALLOC', longer)).toBe(0);
    longer[19] = 1;
    expect(program.ioctl(iommufd, 'IOMMU_IOAS_ALLOC', longer)).toBe('E2BIG');
    expect(program.ioctl(iommufd, 'IOMMU_IOAS_ALLOC', new Uint8Array(12))).toBe('EINVAL');
  });
});

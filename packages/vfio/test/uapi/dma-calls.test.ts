import {
  attachIommufd,
  bindIommufd,
  detachIommufd,
  dmaMap,
  dmaUnmap,
  ioasIovaRanges,
  ioasMap,
  ioasUnmap,
  iommuDestroy,
  spaprInfo,
  spaprRegisterMemory,
  tceCreate,
  tceRemove,
  WHOLE_IOAS,
} from '../../src/uapi/index.js';
import { failure } from './failure.js';

const refused = (work: () => unknown): unknown => failure(work).context;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('iommufd', () => {
  it('binds a device, with a token only where one is given', () => {
    expect(hex(bindIommufd.encodeRequest(5, undefined, 'BE'))).toBe(
      '00000018' + '00000000' + '00000005' + '0'.repeat(24),
    );
    expect(hex(bindIommufd.encodeRequest(5, 0x1122n, 'BE'))).toBe(
      '00000018' + '00000001' + '00000005' + '00000000' + '0000000000001122',
    );
    expect(refused(() => bindIommufd.encodeRequest(-1))).toMatchObject({ field: 'iommufd' });
  });

  it('attaches and detaches, a PASID only where one is given', () => {
    expect(hex(attachIommufd.encodeRequest(2, undefined, 'BE'))).toBe(
      '00000010' + '00000000' + '00000002' + '00000000',
    );
    expect(hex(attachIommufd.encodeRequest(2, 9, 'BE'))).toBe('00000010' + '00000001' + '00000002' + '00000009');
    expect(hex(detachIommufd.encodeRequest(undefined, 'BE'))).toBe('0000000c' + '00000000' + '00000000');
    expect(hex(detachIommufd.encodeRequest(9, 'BE'))).toBe('0000000c' + '00000001' + '00000009');
  });

  it('unmaps everything', () => {
    expect(hex(ioasUnmap.encodeRequest({ ioas: 1, iova: 0n, length: WHOLE_IOAS }, 'BE'))).toBe(
      '0000001800000001' + '0'.repeat(16) + 'f'.repeat(16),
    );
    expect(hex(iommuDestroy.encodeRequest(7, 'BE'))).toBe('0000000800000007');
  });

  it('lets the kernel choose an address where none is given', () => {
    const mapping = { ioas: 1, address: 0x1000n, length: 0x1000n, read: true, write: false };
    const bytes = ioasMap.encodeRequest(mapping, 'BE');
    expect(hex(bytes.subarray(4, 8))).toBe('00000004');
    bytes[38] = 0x70;
    expect(ioasMap.decodeReply(bytes, mapping, 'BE')).toBe(0x7000n);
  });

  it('reads ranges only as far as memory goes', () => {
    expect(ioasIovaRanges.bytesFor(3)).toBe(48);
    expect(refused(() => ioasIovaRanges.decodeRanges(new Uint8Array(47), 3))).toMatchObject({ field: 'num_iovas' });
    expect(hex(ioasIovaRanges.encodeRequest(1, 0x1122n, 3, 'BE'))).toBe(
      '00000020' + '00000001' + '00000003' + '00000000' + '0000000000001122' + '0'.repeat(16),
    );
  });
});

describe('DMA', () => {
  const memory = { address: 0x1000n, iova: 0x1000n, read: true, write: true };
  const top = (1n << 64n) - 0x1000n;

  it('unmaps a range or everything', () => {
    expect(hex(dmaUnmap.encodeRequest('all', 'BE'))).toBe('00000018' + '00000002' + '0'.repeat(32));
    expect(hex(dmaUnmap.encodeRequest({ iova: 1n, size: 2n }, 'BE'))).toBe(
      '0000001800000000' + '0'.repeat(15) + '1' + '0'.repeat(15) + '2',
    );
    const reply = dmaUnmap.encodeRequest('all', 'BE');
    reply[16] = 0x80;
    expect(dmaUnmap.decodeReply(reply, 'all', 'BE')).toBe(1n << 63n);
  });

  it('reaches to the last byte of the address space', () => {
    expect(dmaMap.encodeRequest({ ...memory, address: top, iova: top, size: 0x1000n })).toHaveLength(32);
  });

  it.each([
    ['VFIO_IOMMU_MAP_DMA of nothing', () => dmaMap.encodeRequest({ ...memory, size: 0n })],
    ['VFIO_IOMMU_MAP_DMA beyond 2^64', () => dmaMap.encodeRequest({ ...memory, iova: top, size: 0x1001n })],
    [
      'VFIO_IOMMU_MAP_DMA of memory beyond 2^64',
      () => dmaMap.encodeRequest({ ...memory, address: top, size: 0x1001n }),
    ],
    [
      'VFIO_IOMMU_MAP_DMA without access',
      () => dmaMap.encodeRequest({ ...memory, size: 1n, read: false, write: false }),
    ],
    ['VFIO_IOMMU_UNMAP_DMA of nothing', () => dmaUnmap.encodeRequest({ iova: 0n, size: 0n })],
    ['VFIO_IOMMU_UNMAP_DMA beyond 2^64', () => dmaUnmap.encodeRequest({ iova: top, size: 0x1001n })],
    ['IOMMU_IOAS_MAP of nothing', () => ioasMap.encodeRequest({ ...memory, ioas: 1, length: 0n })],
    ['IOMMU_IOAS_MAP beyond 2^64', () => ioasMap.encodeRequest({ ...memory, ioas: 1, iova: top, length: 0x1001n })],
    [
      'IOMMU_IOAS_MAP without access',
      () => ioasMap.encodeRequest({ ...memory, ioas: 1, length: 1n, read: false, write: false }),
    ],
    ['IOMMU_IOAS_UNMAP beyond 2^64', () => ioasUnmap.encodeRequest({ ioas: 1, iova: 1n, length: (1n << 64n) - 0n })],
    ['registering nothing', () => spaprRegisterMemory.encodeRequest({ address: 0n, size: 0n })],
    ['registering beyond 2^64', () => spaprRegisterMemory.encodeRequest({ address: top, size: 0x1001n })],
    ['pages of 2^11 bytes', () => tceCreate.encodeRequest({ pageShift: 11, size: 1n << 30n, levels: 1 })],
    ['pages of 2^64 bytes', () => tceCreate.encodeRequest({ pageShift: 64, size: 1n << 30n, levels: 1 })],
    ['a window of 3 GiB', () => tceCreate.encodeRequest({ pageShift: 16, size: 3n << 30n, levels: 1 })],
    ['a window of nothing', () => tceCreate.encodeRequest({ pageShift: 16, size: 0n, levels: 1 })],
    ['a table without levels', () => tceCreate.encodeRequest({ pageShift: 16, size: 1n << 30n, levels: 0 })],
  ])('refuses %s', (_, work) => {
    expect(failure(work).code).toBe('ERR_PCI_BAD_UAPI_FIELD');
  });

  it('a SPAPR TCE container of version 1 tells of no dynamic windows, and what stands there is not looked at', () => {
    const reply = spaprInfo.encodeRequest('BE');
    reply.set([0x10, 0, 0, 0, 0x40, 0, 0, 0, 0xff], 8);
    expect(spaprInfo.decodeReply(reply, 'BE')).toEqual({
      flags: new Set(),
      unknownFlags: 0,
      dma32WindowStart: 0x1000_0000,
      dma32WindowSize: 0x4000_0000,
    });
  });

  it('speaks to SPAPR TCE containers', () => {
    expect(hex(spaprRegisterMemory.encodeRequest({ address: 1n, size: 2n }, 'BE'))).toBe(
      '0000001800000000' + '0'.repeat(15) + '1' + '0'.repeat(15) + '2',
    );
    expect(hex(tceCreate.encodeRequest({ pageShift: 16, size: 1n << 31n, levels: 2 }, 'BE'))).toBe(
      '00000028' + '00000000' + '00000010' + '00000000' + '0000000080000000' + '00000002' + '00000000' + '0'.repeat(16),
    );
    expect(hex(tceRemove.encodeRequest(1n << 59n, 'BE'))).toBe('00000010' + '00000000' + '0800000000000000');
  });
});

import {
  deviceFeature,
  DEVICE_FEATURE,
  deviceInfo,
  dmaMap,
  eehPe,
  hotReset,
  hotResetInfo,
  ioasMap,
  irqSet,
  PCI_IRQ,
  PCI_REGION,
  regionInfo,
  type1Info,
  zpciError,
} from '../../src/uapi/index.js';
import { fromHex, MACHINES, toHex } from './golden.js';

describe.each(MACHINES)('messages as a C program on $name makes them', ({ order, golden: { messages } }) => {
  const message = (name: string): Uint8Array => fromHex(messages[name]!);

  it('VFIO_DEVICE_SET_IRQS connects eventfds; −1 detaches one', () => {
    const place = { index: PCI_IRQ.msix, start: 1 };
    expect(toHex(irqSet.eventfds(place, [17, -1, 0x01020304], order))).toBe(messages['irq-set eventfds']);
  });

  it('VFIO_DEVICE_SET_IRQS disables an index by no data and count 0', () => {
    expect(toHex(irqSet.disable(PCI_IRQ.err, order))).toBe(messages['irq-set disable']);
  });

  it('VFIO_DEVICE_SET_IRQS masks by booleans', () => {
    const place = { index: PCI_IRQ.intx, action: 'mask' } as const;
    expect(toHex(irqSet.bools(place, [true, false], order))).toBe(messages['irq-set bools']);
  });

  it('VFIO_DEVICE_PCI_HOT_RESET proves ownership by group descriptors (R4.2)', () => {
    expect(toHex(hotReset.byGroups([5, 6], order))).toBe(messages['hot-reset groups']);
  });

  it('VFIO_DEVICE_PCI_HOT_RESET has an array of length zero in cdev mode (R4.2)', () => {
    expect(toHex(hotReset.byDeviceIds(order))).toBe(messages['hot-reset cdev']);
  });

  it('VFIO_DEVICE_FEATURE asks for the oldest zPCI error (R2.4)', () => {
    expect(toHex(zpciError.encodeRequest(0x00007fedcba98760n, order))).toBe(messages['feature zpci-error']);
  });

  it('VFIO_DEVICE_FEATURE asks whether zPCI errors can be had (R2.4)', () => {
    expect(toHex(zpciError.encodeProbe(order))).toBe(messages['feature probe']);
    expect(toHex(deviceFeature.probe(DEVICE_FEATURE.zpciError, { get: true }, order))).toBe(messages['feature probe']);
  });

  it('VFIO_EEH_PE_OP injects an error: its union begins at byte 16 of 40 (R4.11)', () => {
    const bytes = eehPe.encodeInjection({ type: 1, func: 0x12, address: 0x3fe000000000n, mask: 0xfffff000n }, order);
    expect(toHex(bytes)).toBe(messages['eeh inject']);
    expect(bytes.length).toBe(40);
  });

  it('VFIO_IOMMU_MAP_DMA and IOMMU_IOAS_MAP name memory', () => {
    const memory = { address: 0x7f0000001000n, iova: 0x100000n, read: true, write: true };
    expect(toHex(dmaMap.encodeRequest({ ...memory, size: 0x2000n }, order))).toBe(messages['type1 map']);
    expect(toHex(ioasMap.encodeRequest({ ...memory, ioas: 3, length: 0x2000n }, order))).toBe(messages['ioas map']);
  });

  it('VFIO_DEVICE_GET_PCI_HOT_RESET_INFO lists functions and who owns them (R4.1, R4.2)', () => {
    expect(hotResetInfo.decodeReply(message('hot-reset-info reply'), 0, order)).toEqual({
      value: {
        mode: 'cdev',
        owned: false,
        functions: [
          { bdf: '1234:81:1f.3', mode: 'cdev', owned: 'id', devid: 7 },
          { bdf: '1234:81:1f.4', mode: 'cdev', owned: 'not' },
        ],
      },
    });
  });

  it('VFIO_DEVICE_GET_INFO tells of an s390 function (R2.4)', () => {
    expect(deviceInfo.decodeReply(message('device-info reply'), order)).toEqual({
      value: {
        flags: new Set(['reset', 'pci', 'caps']),
        unknownFlags: 0,
        regions: 9,
        irqs: 5,
        capabilities: [
          {
            kind: 'zpci-base',
            version: 3,
            startDma: 0x100000000n,
            endDma: 0x1ffffffffn,
            pchid: 0x1c1,
            vfn: 2,
            fmbLength: 40,
            pft: 2,
            gid: 10,
            fh: 0x84030201,
            ccdfErrLength: 32,
          },
          {
            kind: 'zpci-group',
            version: 2,
            dasm: 0xfffffffffff00000n,
            msiAddr: 0xfee0000000000000n,
            refresh: true,
            mui: 4000,
            noi: 2048,
            maxstbl: 128,
            pciVersion: 1,
            imaxstbl: 128,
          },
          { kind: 'zpci-util', version: 1, text: 'ROCE 1', raw: fromHex('d9d6c3c540f14040') },
          { kind: 'zpci-pfip', version: 1, segments: [0x04, 0x1c, 0x01, 0x00] },
          { kind: 'pci-atomic-comp', version: 1, widths: [32, 128] },
        ],
      },
    });
  });

  it('VFIO_DEVICE_GET_REGION_INFO tells what can be mapped', () => {
    expect(regionInfo.decodeReply(message('region-info reply'), PCI_REGION.bar2, order)).toEqual({
      value: {
        flags: new Set(['read', 'write', 'mmap', 'caps']),
        unknownFlags: 0,
        index: 2,
        size: 0x4000n,
        offset: 2n << 40n,
        capabilities: [
          {
            kind: 'sparse-mmap',
            areas: [
              { offset: 0n, size: 0x1000n },
              { offset: 0x2000n, size: 0x2000n },
            ],
          },
          { kind: 'msix-mappable' },
          { kind: 'type', type: 0x80008086, subtype: 1, vendor: 0x8086 },
        ],
      },
    });
  });

  it('VFIO_IOMMU_GET_INFO tells of DMA addresses', () => {
    expect(type1Info.decodeReply(message('type1 info reply'), order)).toEqual({
      value: {
        flags: new Set(['pgsizes', 'caps']),
        unknownFlags: 0,
        pageSizes: 0x40201000n,
        capabilities: [
          { kind: 'migration', flags: 0, pageSizes: 0x1000n, maxDirtyBitmapSize: 0x10000000n },
          { kind: 'dma-available', available: 65535 },
          {
            kind: 'iova-ranges',
            ranges: [
              { start: 0n, end: 0xfedfffffn },
              { start: 0xfef00000n, end: 0xffffffffffffffffn },
            ],
          },
        ],
      },
    });
  });
});

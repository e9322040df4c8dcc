import { REQUESTS } from '../../src/uapi/abi/requests.js';
import {
  apiVersion,
  checkExtension,
  deviceFeature,
  deviceInfo,
  deviceReset,
  EEH_PE_OP,
  EEH_PE_STATE,
  eehPe,
  type EehPeOperation,
  type Extension,
  getDeviceFd,
  groupStatus,
  HOST_BYTE_ORDER,
  hotReset,
  type IommuType,
  irqSet,
  MOST_IRQS,
  requests,
  setContainer,
  setIommu,
  UAPI_ARCHITECTURES,
  unsetContainer,
  zpciError,
} from '../../src/uapi/index.js';
import { endianness } from 'node:os';
import { failure } from './failure.js';

const refused = (work: () => unknown): unknown => failure(work).context;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('request numbers', () => {
  it('are known for x64, arm64, ppc64 and s390x', () => {
    expect([...UAPI_ARCHITECTURES].sort()).toEqual(['arm64', 'ppc64', 's390x', 'x64']);
  });

  it('are those of the header: type 59, number 100 and on, without size', () => {
    expect(requests('x64').VFIO_GET_API_VERSION).toBe(0x3b64);
    expect(requests('x64').VFIO_DEVICE_RESET).toBe(0x3b6f);
    expect(requests('s390x').VFIO_DEVICE_FEATURE).toBe(0x3b75);
    expect(requests('arm64').IOMMU_DESTROY).toBe(0x3b80);
  });

  it('have another direction on ppc64, and nothing else is different', () => {
    for (const [name, number] of Object.entries(REQUESTS.ppc64)) {
      expect(number).toBe(0x2000_0000 + REQUESTS.x64[name as keyof typeof REQUESTS.x64]);
    }
    expect(REQUESTS.s390x).toEqual(REQUESTS.x64);
    expect(REQUESTS.arm64).toEqual(REQUESTS.x64);
  });

  it.each(['ia32', 'riscv64', 'constructor', ''])('are not guessed for "%s"', (architecture) => {
    expect(failure(() => requests(architecture))).toMatchObject({
      code: 'ERR_PCI_UNKNOWN_ARCHITECTURE',
      context: { architecture },
    });
  });

  it('belong to every call', () => {
    for (const { request } of [deviceReset, apiVersion, checkExtension, setIommu, irqSet, hotReset, eehPe, zpciError]) {
      expect(requests('x64')[request]).toBeGreaterThan(0x3b00);
    }
  });
});

describe('byte order', () => {
  it("is the host's unless told otherwise", () => {
    expect(HOST_BYTE_ORDER).toBe(endianness());
    expect(deviceInfo.encodeRequest()).toEqual(deviceInfo.encodeRequest(24, endianness()));
    expect(irqSet.eventfds({ index: 3 }, [7])).toEqual(irqSet.eventfds({ index: 3 }, [7], endianness()));
  });
});

describe('container', () => {
  it('only API version 0 is spoken', () => {
    expect(apiVersion.decodeResult(0)).toBe(0);
    expect(failure(() => apiVersion.decodeResult(1))).toMatchObject({
      code: 'ERR_PCI_KERNEL_REPLY',
      context: { field: 'VFIO_GET_API_VERSION', value: '1' },
    });
  });

  it('extensions are asked for by number; any positive answer is a yes', () => {
    expect(checkExtension.argument('type1v2Iommu')).toBe(3);
    expect(checkExtension.argument('eeh')).toBe(5);
    expect([0, 1, 2].map((result) => checkExtension.decodeResult(result))).toEqual([false, true, true]);
    expect(refused(() => checkExtension.argument('toString' as Extension))).toMatchObject({ value: 'toString' });
  });

  it('VFIO_SET_IOMMU takes a kind of IOMMU', () => {
    expect(setIommu.argument('spaprTceV2Iommu')).toBe(7);
    expect(refused(() => setIommu.argument('eeh' as IommuType))).toMatchObject({
      field: 'VFIO_SET_IOMMU',
      value: 'eeh',
    });
    expect(refused(() => setIommu.argument('otherIommu' as IommuType))).toMatchObject({ value: 'otherIommu' });
  });
});

describe('group', () => {
  it('is given a container by the address of its descriptor', () => {
    expect(hex(setContainer.encodeRequest(0x01020304, 'BE'))).toBe('01020304');
    expect(hex(setContainer.encodeRequest(0x01020304, 'LE'))).toBe('04030201');
    expect(refused(() => setContainer.encodeRequest(-1))).toMatchObject({ value: '-1' });
    expect(unsetContainer.argument).toBeUndefined();
  });

  it('names a device, and ends the name with NUL', () => {
    expect(Buffer.from(getDeviceFd.encodeRequest('0000:01:00.0')).toString('latin1')).toBe('0000:01:00.0\0');
    const withToken = '0000:01:00.1 vf_token=2ab74924-c335-45f4-9b16-8569e5b08258';
    expect(getDeviceFd.encodeRequest(withToken)).toHaveLength(withToken.length + 1);
  });

  it.each(['', ' 0000:01:00.0', 'a\0b', 'a\nb', 'ä', 'x'.repeat(4096)])('does not name %p', (name) => {
    expect(failure(() => getDeviceFd.encodeRequest(name)).code).toBe('ERR_PCI_BAD_UAPI_FIELD');
  });

  it('tells what it is', () => {
    const reply = groupStatus.encodeRequest('LE');
    reply[4] = 0x83;
    expect(groupStatus.decodeReply(reply, 'LE')).toEqual({
      flags: new Set(['viable', 'containerSet']),
      unknownFlags: 0x80,
    });
  });
});

describe('VFIO_DEVICE_SET_IRQS', () => {
  it('acts at once on a range', () => {
    expect(hex(irqSet.none({ index: 1, start: 2, action: 'unmask' }, 3, 'BE'))).toBe(
      '00000014' + '00000011' + '00000001' + '00000002' + '00000003',
    );
  });

  it.each([
    ['no descriptors', () => irqSet.eventfds({ index: 3 }, []), 'count'],
    ['no values', () => irqSet.bools({ index: 3 }, []), 'count'],
    ['no interrupts', () => irqSet.none({ index: 3 }, 0), 'count'],
    ['too many interrupts', () => irqSet.none({ index: 3 }, MOST_IRQS + 1), 'count'],
    ['a descriptor below −1', () => irqSet.eventfds({ index: 3 }, [1, -2]), 'data'],
    ['a descriptor that is not whole', () => irqSet.eventfds({ index: 3 }, [1.5]), 'data'],
    ['a descriptor of 32 bits', () => irqSet.eventfds({ index: 3 }, [2 ** 31]), 'data'],
    ['a negative index', () => irqSet.disable(-1), 'index'],
    ['a negative start', () => irqSet.none({ index: 0, start: -1 }, 1), 'start'],
    ['an unknown action', () => irqSet.none({ index: 0, action: 'valueOf' as 'mask' }, 1), 'flags'],
  ])('refuses %s', (_, work, field) => {
    expect(refused(work)).toMatchObject({ struct: 'vfio_irq_set', field });
  });
});

describe('VFIO_DEVICE_PCI_HOT_RESET', () => {
  it.each([[[]], [[-1]], [[1, 0.5]], [Array.from({ length: 65_537 }, () => 1)]])(
    'refuses descriptors like %p',
    (fds) => {
      expect(refused(() => hotReset.byGroups(fds))).toMatchObject({ struct: 'vfio_pci_hot_reset' });
    },
  );
});

describe('VFIO_DEVICE_FEATURE', () => {
  it('sets, gets and probes any feature by its number', () => {
    expect(hex(deviceFeature.set(0, Uint8Array.of(1, 2), 'BE'))).toBe('0000000a' + '00020000' + '0102');
    expect(hex(deviceFeature.get(0xffff, 4, 'BE'))).toBe('0000000c' + '0001ffff' + '00000000');
    expect(hex(deviceFeature.get(2, Uint8Array.of(9), 'BE'))).toBe('00000009' + '00010002' + '09');
    expect(hex(deviceFeature.probe(6, { set: true }, 'BE'))).toBe('00000008' + '00060006');
    expect(hex(deviceFeature.probe(6, {}, 'BE'))).toBe('00000008' + '00040006');
  });

  it('gives the data of a GET', () => {
    const buffer = deviceFeature.get(2, 4);
    buffer.set([1, 2, 3, 4], 8);
    expect([...deviceFeature.decodeReply(buffer, 2)]).toEqual([1, 2, 3, 4]);
  });

  it.each([-1, 65_536, 1.5])('refuses feature %p', (feature) => {
    expect(refused(() => deviceFeature.probe(feature))).toMatchObject({
      struct: 'vfio_device_feature',
      field: 'flags',
    });
  });

  it.each([-1, 65_537, 0.5])('refuses %p bytes of data', (bytes) => {
    expect(refused(() => deviceFeature.get(1, bytes))).toMatchObject({ field: 'data' });
  });

  it('a record is never asked for without memory: it would be lost (R2.3)', () => {
    expect(refused(() => zpciError.encodeRequest(0n))).toMatchObject({ struct: 'vfio_device_feature_zpci_err' });
    expect(refused(() => zpciError.encodeRequest(1n << 64n))).toMatchObject({ field: 'data' });
  });
});

describe('VFIO_EEH_PE_OP (R4.11)', () => {
  const plain = Object.entries(EEH_PE_OP).filter(([name]) => name !== 'injectError');

  it('has ten operations, 0 to 9', () => {
    expect(Object.values(EEH_PE_OP)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it.each(plain)('%s is operation %p', (name, number) => {
    const bytes = eehPe.encodeRequest(name as Exclude<EehPeOperation, 'injectError'>, 'BE');
    expect(hex(bytes)).toBe(`0000002800000000${number.toString(16).padStart(8, '0')}${'0'.repeat(56)}`);
  });

  it.each(['injectError', 'toString', ''])('"%s" is no plain operation', (name) => {
    expect(refused(() => eehPe.encodeRequest(name as 'getState'))).toMatchObject({ field: 'op' });
  });

  it('knows the states 0, 1, 2, 4, 5 and no other', () => {
    const known = [0, 1, 2, 4, 5];
    expect(known.map((state) => eehPe.decodeState(state))).toEqual(Object.keys(EEH_PE_STATE));
    for (const state of [3, 6, 255, -1, 0.5])
      expect(refused(() => eehPe.decodeState(state))).toMatchObject({ field: 'state' });
  });
});

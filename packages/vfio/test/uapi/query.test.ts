import {
  type ByteOrder,
  deviceInfo,
  encodeStruct,
  hotResetInfo,
  MOST_REPLY_BYTES,
  MOST_TRIES,
  type Query,
  regionInfo,
  type1Info,
} from '../../src/uapi/index.js';
import { viewOf } from '../../src/uapi/struct/decode.js';
import { ORDERS } from './effort.js';
import { failure } from './failure.js';
import { fromHex, MACHINES } from './golden.js';

const [ENOSPC, EAGAIN, ENODEV, EFAULT] = [-28, -11, -19, -14];

/** What the kernel does with a call: writes into the buffer and answers. */
type Kernel = (buffer: Uint8Array) => number;

/** Makes the calls that a query wants; returns how it ended and how long each buffer was. */
function drive<T>(first: Query<T>, kernel: Kernel): { readonly ended: Query<T>; readonly lengths: readonly number[] } {
  const lengths: number[] = [];
  let query = first;
  while (query.do === 'ioctl') {
    lengths.push(query.buffer.length);
    query = query.answered(kernel(query.buffer));
  }
  return { ended: query, lengths };
}

/** A reset that touches as many functions as `counts` says, one number for each call. */
function hotResetKernel(counts: number[], order: ByteOrder): Kernel {
  return (buffer) => {
    const count = counts.shift()!;
    const view = viewOf(buffer);
    const argsz = view.getUint32(0, order === 'LE');
    expect(argsz).toBe(buffer.length);
    view.setUint32(8, count, order === 'LE');
    if (count > Math.floor((argsz - 12) / 8)) return ENOSPC;
    for (let at = 0; at < count; at += 1) {
      const device = { group_id: 7, bus: 1 + (at >> 8), devfn: at & 0xff };
      buffer.set(encodeStruct('vfio_pci_dependent_device', device, { order }), 12 + 8 * at);
    }
    return 0;
  };
}

describe.each(ORDERS)('VFIO_DEVICE_GET_PCI_HOT_RESET_INFO in byte order %s (R4.1)', (order) => {
  it('one call is enough for one function', () => {
    const { ended, lengths } = drive(hotResetInfo.query(order), hotResetKernel([1], order));
    expect(lengths).toEqual([20]);
    expect(ended).toEqual({
      do: 'end',
      value: { mode: 'group', functions: [{ bdf: '0000:01:00.0', mode: 'group', group: 7 }] },
    });
  });

  it('a short buffer is answered with the count, and asked again with room for it', () => {
    const { ended, lengths } = drive(hotResetInfo.query(order), hotResetKernel([8, 8], order));
    expect(lengths).toEqual([20, 76]);
    expect(ended).toMatchObject({ do: 'end', value: { functions: { length: 8 } } });
  });

  it('functions may come and go in between', () => {
    const { ended, lengths } = drive(hotResetInfo.query(order), hotResetKernel([2, 4, 9, 3], order));
    expect(lengths).toEqual([20, 28, 44, 84]);
    expect(ended).toMatchObject({ do: 'end', value: { functions: { length: 3 } } });
  });

  it('EAGAIN, when they change under the kernel itself, asks the same again', () => {
    const kernel = hotResetKernel([1], order);
    let calls = 0;
    const { ended, lengths } = drive(hotResetInfo.query(order), (buffer) => (++calls < 3 ? EAGAIN : kernel(buffer)));
    expect(lengths).toEqual([20, 20, 20]);
    expect(ended.do).toBe('end');
  });

  it('gives up when the count never stops growing', () => {
    let count = 1;
    const kernel: Kernel = (buffer) => hotResetKernel([(count += 1)], order)(buffer);
    expect(failure(() => drive(hotResetInfo.query(order), kernel))).toMatchObject({
      code: 'ERR_PCI_UNSETTLED',
      permanence: 'temporary',
    });
    expect(count).toBe(1 + MOST_TRIES);
  });

  it('gives up when EAGAIN never ends', () => {
    let calls = 0;
    expect(failure(() => drive(hotResetInfo.query(order), () => (calls++, EAGAIN))).code).toBe('ERR_PCI_UNSETTLED');
    expect(calls).toBe(MOST_TRIES);
  });

  it.each([ENODEV, EFAULT])('errno %p ends it', (errno) => {
    expect(drive(hotResetInfo.query(order), () => errno).ended).toEqual({ do: 'fail', errno });
  });

  it.each([0, 1])('ENOSPC with a count of %p, which would have fitted, is refused', (count) => {
    const kernel: Kernel = (buffer) => (viewOf(buffer).setUint32(8, count, order === 'LE'), ENOSPC);
    const error = failure(() => drive(hotResetInfo.query(order), kernel));
    expect(error).toMatchObject({ code: 'ERR_PCI_KERNEL_REPLY', context: { field: 'count', value: String(count) } });
  });

  it('ENOSPC with more functions than a domain has is refused', () => {
    const kernel: Kernel = (buffer) => (viewOf(buffer).setUint32(8, 65_537, order === 'LE'), ENOSPC);
    expect(failure(() => drive(hotResetInfo.query(order), kernel)).context).toMatchObject({
      field: 'count',
      rule: 'a domain has 65536 functions',
    });
  });

  it('a domain full of functions fits', () => {
    const { ended } = drive(hotResetInfo.query(order), (buffer) => {
      if (buffer.length === 20) return (viewOf(buffer).setUint32(8, 65_536, order === 'LE'), ENOSPC);
      expect(buffer.length).toBe(12 + 8 * 65_536);
      return ENODEV;
    });
    expect(ended.do).toBe('fail');
  });

  it('owned and not owned at once is refused (R4.2)', () => {
    const buffer = new Uint8Array(20);
    buffer.set(encodeStruct('vfio_pci_hot_reset_info', { argsz: 20, flags: 3, count: 1 }, { order }));
    buffer.set(encodeStruct('vfio_pci_dependent_device', { devid: 0xffff_ffff }, { order }), 12);
    expect(failure(() => hotResetInfo.decodeReply(buffer, 0, order)).context).toMatchObject({ field: 'flags' });
  });

  it.each([
    [0, { owned: 'group' }],
    [1, { owned: 'id', devid: 1 }],
    [0xffff_ffff, { owned: 'not' }],
  ])('cdev: devid %p', (devid, ownership) => {
    const buffer = new Uint8Array(20);
    buffer.set(encodeStruct('vfio_pci_hot_reset_info', { argsz: 20, flags: 1, count: 1 }, { order }));
    buffer.set(encodeStruct('vfio_pci_dependent_device', { devid, bus: 3 }, { order }), 12);
    expect(hotResetInfo.decodeReply(buffer, 0, order)).toEqual({
      value: { mode: 'cdev', owned: false, functions: [{ bdf: '0000:03:00.0', mode: 'cdev', ...ownership }] },
    });
  });
});

const INFOS = [
  ['device-info reply', 'VFIO_DEVICE_GET_INFO', 24, (order: ByteOrder) => deviceInfo.query(order)],
  ['region-info reply', 'VFIO_DEVICE_GET_REGION_INFO', 32, (order: ByteOrder) => regionInfo.query(2, order)],
  ['type1 info reply', 'VFIO_IOMMU_GET_INFO', 24, (order: ByteOrder) => type1Info.query(order)],
] as const;

describe.each(INFOS)('%s', (message, request, fixed, query) => {
  describe.each(ORDERS)('in byte order %s', (order) => {
    const whole = fromHex(MACHINES.find((machine) => machine.order === order)!.golden.messages[message]!);
    /** Fills in what fits, as the kernel does: without room for the capabilities it leaves them out and raises argsz. */
    const kernel: Kernel = (buffer) => {
      buffer.set(whole.subarray(0, Math.min(fixed, buffer.length)));
      if (buffer.length < whole.length) viewOf(buffer).setUint32(message === 'region-info reply' ? 12 : 16, 0);
      else buffer.set(whole);
      return 0;
    };

    it('is asked again with as much memory as its capabilities take', () => {
      const first = query(order);
      expect(first).toMatchObject({ do: 'ioctl', request });
      const { ended, lengths } = drive<unknown>(first, kernel);
      expect(lengths).toEqual([fixed, whole.length]);
      expect(ended).toMatchObject({ do: 'end', value: { unknownFlags: 0 } });
      expect((ended as { value: { capabilities: unknown[] } }).value.capabilities.length).toBeGreaterThan(2);
    });

    it('an errno ends it', () => {
      expect(drive<unknown>(query(order), () => EFAULT).ended).toEqual({ do: 'fail', errno: EFAULT });
    });

    it('needs that never end are not followed', () => {
      let needed = 200;
      const growing: Kernel = (buffer) => (
        kernel(buffer),
        viewOf(buffer).setUint32(0, (needed += 8), order === 'LE'),
        0
      );
      expect(failure(() => drive<unknown>(query(order), growing)).code).toBe('ERR_PCI_UNSETTLED');
    });

    it('absurd needs are refused', () => {
      const absurd: Kernel = (buffer) => (
        kernel(buffer),
        viewOf(buffer).setUint32(0, MOST_REPLY_BYTES + 1, order === 'LE'),
        0
      );
      expect(failure(() => drive<unknown>(query(order), absurd))).toMatchObject({
        code: 'ERR_PCI_KERNEL_REPLY',
        context: { field: 'argsz' },
      });
    });

    it('unknown flags are kept and no error: newer kernels add some', () => {
      const { ended } = drive<unknown>(query(order), (buffer) => {
        kernel(buffer);
        const flags = viewOf(buffer).getUint32(4, order === 'LE');
        return (viewOf(buffer).setUint32(4, (flags | 0x8000_0000) >>> 0, order === 'LE'), 0);
      });
      expect(ended).toMatchObject({ do: 'end', value: { unknownFlags: 0x8000_0000 } });
    });
  });
});

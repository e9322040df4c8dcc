import { endianness } from 'node:os';
import { STRUCTS } from '../../src/uapi/abi/structs.js';
import {
  deviceInfo,
  eehPe,
  encodeStruct,
  HOST_BYTE_ORDER,
  hotReset,
  hotResetInfo,
  ioasMap,
  irqSet,
  PCI_IRQ,
  regionInfo,
  requests,
  setContainer,
  type StructName,
  type1Info,
  zpciError,
} from '../../src/uapi/index.js';
import { fromHex, MACHINES, toHex } from './golden.js';
import { patternsOf } from './patterns.js';

// Nothing here names a byte order: what the codecs choose by themselves must be what C has on the same architecture.
const machine =
  MACHINES.find(({ name }) => name === process.arch) ?? MACHINES.find(({ order }) => order === endianness())!;
const { structs, messages } = machine.golden;

describe(`codecs in the byte order of their host, ${endianness()}`, () => {
  it('is what os.endianness() says', () => {
    expect(HOST_BYTE_ORDER).toBe(endianness());
    expect(machine.order).toBe(HOST_BYTE_ORDER);
  });

  it.each(Object.keys(STRUCTS) as StructName[])('struct %s is what C has in memory', (name) => {
    expect(toHex(encodeStruct(name, patternsOf(name)))).toBe(structs[name]);
  });

  it('requests are what C makes', () => {
    const made = {
      'irq-set eventfds': irqSet.eventfds({ index: PCI_IRQ.msix, start: 1 }, [17, -1, 0x01020304]),
      'irq-set disable': irqSet.disable(PCI_IRQ.err),
      'irq-set bools': irqSet.bools({ index: PCI_IRQ.intx, action: 'mask' }, [true, false]),
      'hot-reset groups': hotReset.byGroups([5, 6]),
      'hot-reset cdev': hotReset.byDeviceIds(),
      'feature zpci-error': zpciError.encodeRequest(0x00007fedcba98760n),
      'feature probe': zpciError.encodeProbe(),
      'eeh inject': eehPe.encodeInjection({ type: 1, func: 0x12, address: 0x3fe000000000n, mask: 0xfffff000n }),
      'ioas map': ioasMap.encodeRequest({
        ioas: 3,
        address: 0x7f0000001000n,
        length: 0x2000n,
        iova: 0x100000n,
        read: true,
        write: true,
      }),
    };
    for (const [name, bytes] of Object.entries(made)) expect([name, toHex(bytes)]).toEqual([name, messages[name]]);
  });

  it('an int stands in memory as this host has it', () => {
    expect(new Int32Array(setContainer.encodeRequest(0x01020304).buffer)[0]).toBe(0x01020304);
  });

  it('replies of C are read', () => {
    const message = (name: string): Uint8Array => fromHex(messages[name]!);
    expect(deviceInfo.decodeReply(message('device-info reply'))).toMatchObject({ value: { regions: 9, irqs: 5 } });
    expect(regionInfo.decodeReply(message('region-info reply'), 2)).toMatchObject({ value: { size: 0x4000n } });
    expect(type1Info.decodeReply(message('type1 info reply'))).toMatchObject({ value: { pageSizes: 0x40201000n } });
    expect(hotResetInfo.decodeReply(message('hot-reset-info reply'), 0)).toMatchObject({
      value: { functions: [{ bdf: '1234:81:1f.3' }, { bdf: '1234:81:1f.4' }] },
    });
  });

  it('request numbers are those of this architecture', () => {
    expect(requests().VFIO_DEVICE_RESET).toBe(process.arch === 'ppc64' ? 0x20003b6f : 0x3b6f);
  });
});

import fc from 'fast-check';
import { type ByteOrder, deviceInfo, encodeStruct, regionInfo, sizeOf, type1Info } from '../../src/uapi/index.js';
import { type ChainPlace, type RawCapability, walkCapabilities } from '../../src/uapi/capability-chain.js';
import { ORDERS, runs } from './effort.js';
import { failure } from './failure.js';

const START = 24;

interface Link {
  readonly id: number;
  readonly version: number;
  readonly body: Uint8Array;
}

/** A reply whose chain holds `links`, laid out as the kernel does it: one behind the other, aligned. */
function chainOf(links: readonly Link[], alignment: 4 | 8, order: ByteOrder): Uint8Array {
  const padded = links.map(({ body }) => Math.ceil((8 + body.length) / alignment) * alignment);
  const reply = new Uint8Array(START + padded.reduce((sum, each) => sum + each, 0));
  let offset = START;
  links.forEach(({ id, version, body }, at) => {
    const next = at + 1 < links.length ? offset + padded[at]! : 0;
    reply.set(encodeStruct('vfio_info_cap_header', { id, version, next }, { order }), offset);
    reply.set(body, offset + 8);
    offset += padded[at]!;
  });
  return reply;
}

const placeOf = (reply: Uint8Array, first = START): ChainPlace => ({
  struct: 'vfio_device_info',
  field: 'cap_offset',
  first,
  start: START,
  end: reply.length,
});

const walk = (reply: Uint8Array, order: ByteOrder, first?: number): readonly RawCapability[] =>
  walkCapabilities(reply, placeOf(reply, first), order);

const link = fc.record({
  id: fc.nat(0xffff),
  version: fc.nat(0xffff),
  body: fc.uint8Array({ maxLength: 40 }),
});

/** Sets `next` of the capability at `offset`. */
function relink(reply: Uint8Array, offset: number, next: number, order: ByteOrder): Uint8Array {
  new DataView(reply.buffer).setUint32(offset + 4, next, order === 'LE');
  return reply;
}

describe.each(ORDERS)('capability chains in byte order %s', (order) => {
  it('gives copies, also of a Buffer, whose slice() would share its memory', () => {
    const reply = Buffer.from(chainOf([{ id: 1, version: 1, body: Uint8Array.of(1, 2, 3, 4) }], 8, order));
    const [found] = walk(reply, order);
    reply.fill(0);
    expect([...found!.bytes.subarray(8, 12)]).toEqual([1, 2, 3, 4]);
  });

  it('are read whole, in their order, whatever is in them; also aligned to 4 bytes, as older kernels do it', () => {
    fc.assert(
      fc.property(
        fc.array(link, { minLength: 1, maxLength: 8 }),
        fc.constantFrom(4 as const, 8 as const),
        (links, alignment) => {
          const found = walk(chainOf(links, alignment, order), order);
          const read = found.map(({ id, version, bytes }, at) => ({
            id,
            version,
            body: bytes.slice(8, 8 + links[at]!.body.length),
          }));
          expect(read).toEqual(links.map(({ id, version, body }) => ({ id, version, body: new Uint8Array(body) })));
        },
      ),
      { numRuns: runs(100) },
    );
  });

  it('end, whatever the links say', () => {
    const links = fc.array(link, { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(links, fc.array(fc.nat(200), { maxLength: 5 }), (given, nexts) => {
        const reply = chainOf(given, 8, order);
        nexts.forEach((next, at) => {
          if (START + 8 * at + 8 <= reply.length) relink(reply, START + 8 * at, next, order);
        });
        try {
          expect(walk(reply, order).length).toBeLessThanOrEqual(reply.length / 8);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_PCI_KERNEL_REPLY' });
        }
      }),
      { numRuns: runs(200) },
    );
  });

  const three = (): Uint8Array =>
    chainOf(
      [1, 2, 3].map((id) => ({ id, version: 1, body: new Uint8Array(8) })),
      8,
      order,
    );

  it.each([
    ['points at itself', START, START],
    ['points back', START + 16, START],
    ['points into itself', START, START + 4],
    ['points into the fixed structure', START, 8],
    ['points at odd bytes', START, START + 17],
    ['points at the end', START + 16, START + 48],
    ['leaves no room for a header', START + 16, START + 44],
    ['points far away', START, 0xffff_fffc],
  ])('are refused when a capability %s', (_, offset, next) => {
    const error = failure(() => walk(relink(three(), offset, next, order), order));
    expect(error).toMatchObject({
      code: 'ERR_PCI_KERNEL_REPLY',
      context: { struct: 'vfio_info_cap_header', field: 'next', value: String(next) },
    });
  });

  it.each([0, 8, START - 4, START + 1, START + 48, 0xffff_ffff])('are refused when they begin at %p', (first) => {
    const error = failure(() => walk(three(), order, first));
    expect(error.context).toMatchObject({ struct: 'vfio_device_info', field: 'cap_offset', value: String(first) });
  });

  it('give out copies: what happens to the buffer later does not change them', () => {
    const reply = three();
    const [first] = walk(reply, order);
    const before = first!.bytes.slice();
    reply.fill(0xff);
    expect(first!.bytes).toEqual(before);
  });

  it('are not looked for when no flag announces them', () => {
    const values = { argsz: sizeOf('vfio_device_info'), num_regions: 9, num_irqs: 5, cap_offset: 0xffff_ffff };
    const reply = deviceInfo.decodeReply(encodeStruct('vfio_device_info', values, { order }), order);
    expect(reply).toMatchObject({ value: { regions: 9, irqs: 5, capabilities: [] } });
  });

  it('keep capabilities that are not known whole', () => {
    const body = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const reply = chainOf([{ id: 999, version: 7, body }], 8, order);
    reply.set(encodeStruct('vfio_device_info', { argsz: reply.length, flags: 1 << 7, cap_offset: START }, { order }));
    expect(deviceInfo.decodeReply(reply, order)).toMatchObject({
      value: { capabilities: [{ kind: 'unknown', id: 999, version: 7, offset: START, bytes: reply.slice(START) }] },
    });
  });

  it.each([3, 4, 5])('keep capability %p of a device whole in an unknown version: its layout is another one', (id) => {
    const reply = chainOf([{ id, version: 2, body: new Uint8Array(8).fill(0xff) }], 8, order);
    const info = { argsz: reply.length, flags: 1 << 7, cap_offset: START };
    reply.set(encodeStruct('vfio_device_info', info, { order }));
    expect(deviceInfo.decodeReply(reply, order)).toMatchObject({
      value: { capabilities: [{ kind: 'unknown', id, version: 2 }] },
    });
  });

  it.each([1, 2, 3])('keep capability %p of a type1 IOMMU whole in an unknown version', (id) => {
    const reply = chainOf([{ id, version: 2, body: new Uint8Array(24).fill(0xff) }], 8, order);
    const info = { argsz: reply.length, flags: 2, cap_offset: START };
    reply.set(encodeStruct('vfio_iommu_type1_info', info, { order }));
    expect(type1Info.decodeReply(reply, order)).toMatchObject({
      value: { capabilities: [{ kind: 'unknown', id, version: 2 }] },
    });
  });

  it('keep known capabilities of a region in an unknown version whole', () => {
    const capability = { id: 1, version: 2, body: new Uint8Array(24) };
    const chain = chainOf([capability, { ...capability, id: 2 }, { ...capability, id: 3 }], 8, order);
    const reply = new Uint8Array(chain.length + 8);
    reply.set(chain.subarray(START), 32);
    for (const [at, next] of [
      [32, 64],
      [64, 96],
    ] as const) {
      relink(reply, at, next, order);
    }
    const info = { argsz: reply.length, flags: 1 << 3, index: 9, cap_offset: 32, size: 0x1000n };
    reply.set(encodeStruct('vfio_region_info', info, { order }));
    expect(regionInfo.decodeReply(reply, 9, order)).toMatchObject({
      value: { capabilities: [1, 2, 3].map((id) => ({ kind: 'unknown', id, version: 2 })) },
    });
  });
});

import * as fc from 'fast-check';
import { RegionAccess } from '../../src/device/regions/region-access.js';
import { MOST_TRANSFER } from '../../src/device/regions/transfer.js';
import { failure } from '../uapi/failure.js';
import { errno, CannedKernel } from './canned-kernel.js';

const CONFIG = { index: 7, size: 4096n, offset: 0n };

function access(info = CONFIG) {
  const kernel = new CannedKernel();
  const file = kernel.file();
  return { kernel, file, region: new RegionAccess(file, info, 'configuration space') };
}

describe('the memory of a write', () => {
  it.each([
    ['a Uint8Array', Uint8Array.of(1, 2)],
    ['a Buffer, whose slice() would be a view', Buffer.of(1, 2)],
  ])('is the caller’s again at once: %s', async (_, bytes) => {
    const { kernel, file, region } = access();
    const written: number[] = [];
    kernel.syscalls.pwriteAsync = async (_fd, memory) => {
      await Promise.resolve();
      written.push(...memory);
      return memory.length;
    };
    const writing = region.write(4, bytes);
    bytes.fill(0xff);
    await writing;
    expect(written).toEqual([1, 2]);
    await file.close();
  });
});

/** Both ways of a read and of a write, told alike. */
const WAYS = {
  read: async (region: RegionAccess) => region.read(4, 8),
  'read at once': async (region: RegionAccess) => region.readNow(4, 8),
  write: async (region: RegionAccess) => region.write(4, new Uint8Array(8)),
  'write at once': async (region: RegionAccess) => region.writeNow(4, new Uint8Array(8)),
};

describe.each(Object.entries(WAYS))('a %s', (_, run) => {
  it.each(['EIO', 'ENODEV', 'EFAULT', 'EINVAL'])('that the kernel refuses throws its errno: %s', async (name) => {
    const { kernel, file, region } = access();
    kernel.transfers.push(errno(name));
    await expect(run(region)).rejects.toMatchObject({
      context: { bdf: '0000:01:00.0', errno: name, offset: 4, done: 0 },
    });
    await file.close();
  });

  it('that is cut short goes on where it ended', async () => {
    const { kernel, file, region } = access();
    kernel.transfers.push(3, 1, 4);
    const bytes = await run(region);
    expect(kernel.offsets).toEqual([4n, 7n, 8n]);
    if (bytes) expect([...bytes]).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
    await file.close();
  });

  it('that a signal interrupted is tried again', async () => {
    const { kernel, file, region } = access();
    kernel.transfers.push(errno('EINTR'), 8);
    await run(region);
    expect(kernel.offsets).toEqual([4n, 4n]);
    await file.close();
  });

  it('that ends with nothing more says how far it came', async () => {
    const { kernel, file, region } = access();
    kernel.transfers.push(5, 0);
    await expect(run(region)).rejects.toMatchObject({ code: 'ERR_PCI_SHORT_TRANSFER', context: { done: 5 } });
    await file.close();
  });

  it('that fails later says how far it came', async () => {
    const { kernel, file, region } = access();
    kernel.transfers.push(5, errno('ENODEV'));
    await expect(run(region)).rejects.toMatchObject({ code: 'ERR_PCI_NOT_PRESENT', context: { done: 5 } });
    await file.close();
  });

  it('is refused after the close', async () => {
    const { file, region } = access();
    await file.close();
    await expect(run(region)).rejects.toMatchObject({ code: 'ERR_PCI_CLOSED' });
  });
});

describe('the bounds of a region', () => {
  it.each([
    ['begins before it', -1, 4],
    ['begins between bytes', 0.5, 4],
    ['begins nowhere', NaN, 4],
    ['is empty', 0, 0],
    ['is shorter than empty', 4, -4],
    ['ends between bytes', 0, 1.5],
    ['begins at its end', 4096, 1],
    ['ends behind it', 4095, 2],
    ['is huge', 0, Number.MAX_SAFE_INTEGER],
  ])('refuse a transfer that %s, before the kernel is asked', async (_, offset, length) => {
    const { kernel, file, region } = access();
    await expect(region.read(offset, length)).rejects.toMatchObject({ code: 'ERR_PCI_BAD_OFFSET' });
    expect(failure(() => region.readNow(offset, length)).code).toBe('ERR_PCI_BAD_OFFSET');
    expect(kernel.offsets).toEqual([]);
    await file.close();
  });

  it('are relative to where the region begins in the descriptor', async () => {
    const { kernel, file, region } = access({ index: 7, size: 256n, offset: 7n << 40n });
    await region.read(0x40, 4);
    expect(kernel.offsets).toEqual([(7n << 40n) + 0x40n]);
    await file.close();
  });

  it('allow one MiB in one call, and no more', async () => {
    const { file, region } = access({ index: 0, size: 1n << 30n, offset: 0n });
    expect(await region.read(0, MOST_TRANSFER)).toHaveLength(MOST_TRANSFER);
    await expect(region.read(0, MOST_TRANSFER + 1)).rejects.toThrow('1048576 at most in one call');
    await file.close();
  });

  it('hold for every offset and length', async () => {
    const { file, region } = access();
    const inside = (offset: number, length: number): boolean => offset >= 0 && length >= 1 && offset + length <= 4096;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -8, max: 4200 }),
        fc.integer({ min: -8, max: 4200 }),
        async (offset, length) => {
          const read = await region.read(offset, length).then(
            ({ length: got }) => got,
            () => -1,
          );
          expect(read).toBe(inside(offset, length) ? length : -1);
        },
      ),
    );
    await file.close();
  });
});

describe('bytes that are written', () => {
  it('are those at the time of the call: the caller may go on with his memory', async () => {
    const { kernel, file, region } = access();
    const written: number[][] = [];
    kernel.syscalls.pwriteAsync = async (_fd, buffer) => {
      await Promise.resolve();
      written.push([...buffer]);
      return buffer.length;
    };
    const bytes = Uint8Array.of(1, 2);
    const writing = region.write(4, bytes);
    bytes.fill(9);
    await writing;
    expect(written).toEqual([[1, 2]]);
    await file.close();
  });
});

import { EventLine } from '../../src/device/interrupts/event-line.js';
import { DmaMemory, openDescriptors, openVfioDevice } from '../../src/index.js';
import { count, describeNative } from '../native/kernel.js';

describeNative('the device layer on the real kernel', (kernel) => {
  it('tells signals of a real eventfd, those from before the first listener too', async () => {
    const line = new EventLine(kernel, 'eventfd', 2);
    const told: number[] = [];
    const next = (): Promise<void> =>
      new Promise((resolve) => {
        const listening = line.listen((signals) => {
          told.push(signals);
          listening[Symbol.dispose]();
          resolve();
        });
      });
    await next();
    kernel.write(line.fd.raw, count(3n));
    await next();
    expect(told).toEqual([2, 3]);
    await line[Symbol.asyncDispose]();
    expect(openDescriptors()).toEqual([]);
  });

  it('allocates DMA memory at whole pages', () => {
    using memory = DmaMemory.allocate(kernel, 1);
    memory.bytes.fill(7);
    expect([memory.address % 4096n, memory.size % 4096n, memory.bytes.at(-1)]).toEqual([0n, 0n, 7]);
  });

  it('says that there is no function at an address where none is', async () => {
    await expect(openVfioDevice('ffff:ff:1f.7', { syscalls: kernel })).rejects.toMatchObject({
      code: 'ERR_PCI_NOT_PRESENT',
      context: { bdf: 'ffff:ff:1f.7' },
    });
    expect(openDescriptors()).toEqual([]);
  });
});

import { ScriptedKernel } from '../../src/testing/index.js';
import { deviceInfo, hotReset, hotResetInfo, irqInfo, PCI_IRQ, regionInfo } from '../../src/uapi/index.js';
import { BDF, Program, PORT, turns, x86 } from './programs.js';

describe('a program on the scripted kernel', () => {
  const kernel = new ScriptedKernel(x86());
  const program = new Program(kernel);
  const { group, device } = program.openDevice();

  it('opens container, group and device, and reads what they are', () => {
    expect(program.ask(device, deviceInfo.query())).toMatchObject({ regions: 9, irqs: 5, capabilities: [] });
    expect([...program.ask(device, deviceInfo.query()).flags].sort()).toEqual(['pci', 'reset']);
    const bar = program.ask(device, regionInfo.query(0));
    expect(bar).toMatchObject({ size: 0x4000n, offset: 0n, capabilities: [{ kind: 'msix-mappable' }] });
    expect(program.ask(device, regionInfo.query(7))).toMatchObject({ size: 4096n, offset: 7n << 40n });
    const irq = irqInfo.encodeRequest(PCI_IRQ.msix);
    expect(program.ioctl(device, 'VFIO_DEVICE_GET_IRQ_INFO', irq)).toBe(0);
    expect(irqInfo.decodeReply(irq, PCI_IRQ.msix)).toMatchObject({ count: 4 });
  });

  it('is told of a fatal error, waits while the host resets the link, and restores the device', async () => {
    const eventfd = program.errorEventfd(device);
    let signals = 0n;
    const watch = kernel.watch(
      eventfd,
      () => (signals += kernel.takeEventfd(eventfd)),
      () => undefined,
    ) as Disposable;
    program.writeConfig(device, 4, 0x06, 0x01);
    const recovery = kernel.error(BDF, { severity: 'fatal' });
    expect(recovery.until('notified')).toBe(true);
    await turns();
    expect(signals).toBe(1n);
    expect(program.ioctl(device, 'VFIO_DEVICE_RESET')).toBe('EAGAIN');
    const read = kernel.preadAsync(device, new Uint8Array(2), (7n << 40n) + 4n);
    let settled = false;
    void read.then(() => (settled = true));
    await turns();
    expect(settled).toBe(false);
    expect(() => program.config(device, 4, 2)).toThrow(/waits for the end of a reset/);
    recovery.finish();
    expect(await read).toBe(2);
    expect(program.config16(device, 4)).toBe(0);
    expect(program.writeConfig(device, 4, 0x06, 0x01)).toBe(2);
    expect(program.config16(device, 4)).toBe(0x0106);
    expect(kernel.sysfs.read(BDF, 'aer_dev_fatal')).toMatch(/TOTAL_ERR_FATAL 1$/);
    watch[Symbol.dispose]();
  });

  it('resets the device, and the bus by its group', () => {
    expect(program.ioctl(device, 'VFIO_DEVICE_RESET')).toBe(0);
    expect(program.ask(device, hotResetInfo.query())).toMatchObject({
      mode: 'group',
      functions: [{ bdf: BDF, group: 7 }],
    });
    expect(program.ioctl(device, 'VFIO_DEVICE_PCI_HOT_RESET', hotReset.byGroups([group]))).toBe(0);
  });

  it('maps a BAR: stores reach the device, and what the device holds is seen', () => {
    const mapping = kernel.mmap(device, 0x1000, 3, 0n);
    if (typeof mapping === 'number') throw new Error(String(mapping));
    const view = new Uint8Array(mapping.memory);
    view[16] = 0x5a;
    const seen = new Uint8Array(1);
    kernel.pread(device, seen, 16n);
    expect(seen[0]).toBe(0x5a);
    kernel.pwrite(device, Uint8Array.of(0x77), 17n);
    expect(view[17]).toBe(0x77);
    expect(kernel.munmap(mapping.memory)).toBe(0);
    expect(mapping.memory.byteLength).toBe(0);
    expect(kernel.munmap(mapping.memory)).toBeLessThan(0);
  });

  it('shows that everything was closed', () => {
    const parent = kernel.sysfs.parent(BDF);
    expect(parent).toBe(PORT);
    for (const { fd } of kernel.openDescriptors) kernel.close(fd);
    expect(kernel.openDescriptors).toEqual([]);
    // The one call that would have stopped the program never ended.
    expect(kernel.log.calls.filter(({ result }) => result === undefined)).toMatchObject([{ call: 'pread' }]);
  });
});

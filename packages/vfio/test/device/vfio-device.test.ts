import { PCI_HEADER } from '@pci-recovery/pci';
import { type VfioDevicePort } from '@pci-recovery/core/linux';
import { DmaMemory, type VfioDevice } from '../../src/index.js';
import { DEVICE_FEATURE, PCI_IRQ, PCI_REGION } from '../../src/uapi/index.js';
import { failure } from '../uapi/failure.js';
import { A, go, Lab, ONE } from './lab.js';

const CLOSED = { code: 'ERR_PCI_CLOSED' };
const MACHINES = [
  ['by group', ONE],
  ['by its own node', { ...ONE, cdev: true }],
] as const;

describe.each(MACHINES)('a device that is held %s', (_, machine) => {
  let lab: Lab;
  let device: VfioDevice;

  beforeEach(async () => {
    lab = new Lab(machine);
    device = await lab.open(A);
  });

  afterEach(async () => {
    await lab.clock.drive(device.close());
    await lab.turn();
    expect([lab.left, lab.kernel.watched]).toEqual([[], []]);
  });

  it('is a VfioDevicePort', () => {
    const port: VfioDevicePort = device;
    expect(port.bdf).toBe(A);
  });

  it('says what it is', () => {
    const { flags, regions, irqs } = device.info();
    expect([[...flags], regions, irqs]).toEqual([['reset', 'pci'], 9, 5]);
    expect(device.interrupts.info(PCI_IRQ.msix)).toMatchObject({ index: 2, count: 4 });
    expect(device.regionInfo(PCI_REGION.bar0)).toMatchObject({ size: 0x4000n });
    expect(device.zpciBase()).toBeUndefined();
  });

  it('reads and writes configuration space, little-endian as on the bus', async () => {
    expect([...(await device.readConfig(PCI_HEADER.VENDOR_ID, 4))]).toEqual([0xf4, 0x1a, 0x41, 0x10]);
    await device.writeConfig(PCI_HEADER.COMMAND, Uint8Array.of(0x06, 0x00));
    expect([...(await device.readConfig(PCI_HEADER.COMMAND, 2))]).toEqual([0x06, 0x00]);
    expect([...device.readConfigNow(PCI_HEADER.COMMAND, 2)]).toEqual([0x06, 0x00]);
    device.writeConfigNow(PCI_HEADER.COMMAND, Uint8Array.of(0, 0));
    expect(lab.kernel.hardware(A).command).toBe(0);
    expect((await device.readConfig(0, 4096)).length).toBe(4096);
    await expect(device.readConfig(4096, 1)).rejects.toMatchObject({ code: 'ERR_PCI_BAD_OFFSET' });
  });

  it('waits with an access of configuration space while the host resets the link, and leaves the program running', async () => {
    void lab.kernel.error(A, { severity: 'fatal' }).play(lab.clock);
    const read = device.readConfig(0, 4);
    expect([...(await lab.clock.drive(read))]).toEqual([0xf4, 0x1a, 0x41, 0x10]);
    expect(lab.clock.monotonic()).toBe(140e6);
  });

  it('tells of errors, each with how many signals there were', async () => {
    const told: number[] = [];
    const listening = device.onError((signals) => told.push(signals));
    lab.kernel.error(A, { severity: 'nonfatal' }).finish();
    await lab.turn();
    lab.kernel.error(A, { severity: 'nonfatal' }).finish();
    lab.kernel.error(A, { severity: 'nonfatal' }).finish();
    await lab.turn();
    expect(told).toEqual([1, 2]);
    listening[Symbol.dispose]();
    lab.kernel.error(A, { severity: 'nonfatal' }).finish();
    await lab.turn();
    expect(told).toEqual([1, 2]);
  });

  it('is not told of correctable errors (R1.2)', async () => {
    const told: number[] = [];
    device.onError((signals) => told.push(signals));
    lab.kernel.error(A, { severity: 'correctable' }).finish();
    await lab.turn();
    expect(told).toEqual([]);
  });

  it('can try a listener out', async () => {
    expect(failure(() => device.loopbackError()).context).toMatchObject({ errno: 'EINVAL', index: 'ERR' });
    const told: number[] = [];
    device.onError((signals) => told.push(signals));
    device.loopbackError();
    await lab.turn();
    expect(told).toEqual([1]);
  });

  it('tells that the host wants it back; closing it lets it go', async () => {
    const asked = new Promise<void>((resolve) => void device.onRequest(resolve));
    const removed = lab.kernel.remove(A);
    await asked;
    await device.close();
    await removed;
    expect(lab.kernel.sysfs.devices()).not.toContain(A);
  });

  it('is reset as soon as the host’s own recovery has ended (EAGAIN before)', async () => {
    const recovery = lab.kernel.error(A, { severity: 'fatal' });
    void recovery.play(lab.clock);
    await lab.clock.drive(device.reset(go));
    expect(recovery.done).toBe(true);
    const results = lab.calls.filter(({ request }) => request === 'VFIO_DEVICE_RESET').map(({ result }) => result);
    expect([results.at(0), results.at(-1)]).toEqual([-11, 0]);
  });

  it.each([
    ['EINVAL', 'ERR_PCI_UNSUPPORTED', { reason: 'no_reset_method' }],
    ['ENOTTY', 'ERR_PCI_UNSUPPORTED', { reason: 'no_reset_method' }],
    ['ENODEV', 'ERR_PCI_NOT_PRESENT', {}],
    ['EIO', 'ERR_PCI_SYSCALL', {}],
  ])('says why it cannot be reset: %s', async (errno, code, context) => {
    lab.kernel.script({ call: 'ioctl', request: 'VFIO_DEVICE_RESET', result: errno });
    await expect(lab.clock.drive(device.reset(go))).rejects.toMatchObject({
      code,
      context: { bdf: A, call: 'VFIO_DEVICE_RESET', errno, ...context },
    });
    expect(lab.count('VFIO_DEVICE_RESET')).toBe(1);
  });

  it('knows what a hot reset touches, and does it', async () => {
    expect(await device.hotResetScope()).toEqual({ members: [{ bdf: A, owned: true }], allowed: true });
    await device.writeConfig(PCI_HEADER.COMMAND, Uint8Array.of(2, 0));
    await lab.clock.drive(device.hotReset(go));
    expect(lab.count('VFIO_DEVICE_PCI_HOT_RESET')).toBe(1);
  });

  it.each(['EAGAIN', 'EBUSY'])('tries a hot reset again that the kernel cannot do just now: %s', async (errno) => {
    lab.kernel.script({ call: 'ioctl', request: 'VFIO_DEVICE_PCI_HOT_RESET', result: errno, times: 3 });
    await lab.clock.drive(device.hotReset(go));
    expect([lab.count('VFIO_DEVICE_PCI_HOT_RESET'), lab.clock.monotonic()]).toEqual([4, 7e6]);
  });

  it.each([
    ['EINVAL', 'ERR_PCI_NOT_OWNED', { touched: [A] }],
    ['ENODEV', 'ERR_PCI_UNSUPPORTED', { reason: 'no_hot_reset' }],
    ['ENOTTY', 'ERR_PCI_UNSUPPORTED', { reason: 'reset_failed' }],
    ['EIO', 'ERR_PCI_SYSCALL', {}],
  ])('says why it cannot be hot-reset: %s', async (errno, code, context) => {
    lab.kernel.script({ call: 'ioctl', request: 'VFIO_DEVICE_PCI_HOT_RESET', result: errno });
    await expect(lab.clock.drive(device.hotReset(go))).rejects.toMatchObject({ code, context: { errno, ...context } });
  });

  it('asks anew for whom a hot reset touches when functions came in between (ENOSPC, EAGAIN)', async () => {
    lab.kernel.script({
      call: 'ioctl',
      request: 'VFIO_DEVICE_GET_PCI_HOT_RESET_INFO',
      result: 'EAGAIN',
      times: 2,
    });
    expect((await device.hotResetScope()).allowed).toBe(true);
    expect(lab.count('VFIO_DEVICE_GET_PCI_HOT_RESET_INFO')).toBe(3);
  });

  it('gets interrupts', async () => {
    const told: string[] = [];
    device.onInterrupt('msix', 0, (count) => told.push(`0: ${count}`));
    device.onInterrupt('msix', 3, (count) => told.push(`3: ${count}`));
    lab.kernel.interrupt(A, 0);
    lab.kernel.interrupt(A, 3);
    lab.kernel.interrupt(A, 3);
    await lab.turn();
    expect(told).toEqual(['0: 1', '3: 2']);
  });

  it('has its vectors written anew when they are armed again: any reset may have cleared them (R5.1, R5.2)', async () => {
    device.onInterrupt('msix', 1, () => undefined);
    const entry = () => [...lab.kernel.hardware(A).msixTable!.bytes.subarray(16, 32)];
    const written = entry();
    lab.kernel.backdoorReset(A);
    expect(entry()).not.toEqual(written);
    await device.rearmInterrupts();
    expect(entry()).toEqual(written);
  });

  it('shows the MSI-X table by a mapping of its BAR only (R5.4)', async () => {
    device.onInterrupt('msix', 1, () => undefined);
    device.writeConfigNow(PCI_HEADER.COMMAND, Uint8Array.of(2, 0));
    expect(await device.msixTable()).toBe(true);
    const { area, start, vectors } = await device.mapMsixTable();
    const entry = new Uint8Array(area.memory, start + 16, 16);
    expect([vectors, [...entry]]).toEqual([4, [...lab.kernel.hardware(A).msixTable!.bytes.subarray(16, 32)]]);
    const region = device.region(PCI_REGION.bar0);
    expect([...(await region.read(0x2010, 4))]).toEqual([0xff, 0xff, 0xff, 0xff]);
    area[Symbol.dispose]();
    expect(area.memory.byteLength).toBe(0);
  });

  it('reads and writes device memory by pread, pwrite and mmap', async () => {
    device.writeConfigNow(PCI_HEADER.COMMAND, Uint8Array.of(2, 0));
    const region = device.region(PCI_REGION.bar0);
    await region.write(0x10, Uint8Array.of(1, 2, 3, 4));
    using area = region.map({ length: 0x1000 });
    expect([...new Uint8Array(area.memory, 0x10, 4)]).toEqual([1, 2, 3, 4]);
    new Uint8Array(area.memory)[0x10] = 9;
    expect([...(await region.read(0x10, 2))]).toEqual([9, 2]);
    await expect(region.read(0x4000, 1)).rejects.toMatchObject({ code: 'ERR_PCI_BAD_OFFSET' });
  });

  it('cannot map what is no memory', async () => {
    const config = device.region(PCI_REGION.config);
    expect([config.areas, config.mappable(0, 4096)]).toEqual([[], { absent: 'region 7 cannot be mapped' }]);
    expect(failure(() => config.map()).code).toBe('ERR_PCI_UNSUPPORTED');
    const bar = device.region(PCI_REGION.bar0);
    expect(failure(() => bar.map({ offset: 0x4000, length: 0x1000 })).code).toBe('ERR_PCI_UNSUPPORTED');
    lab.kernel.script({ call: 'mmap', result: 'ENOMEM' });
    expect(failure(() => bar.map()).code).toBe('ERR_PCI_LIMIT');
  });

  it('reaches memory by DMA until it is unmapped, or the device is closed', async () => {
    using memory = DmaMemory.allocate(lab.kernel, 8192);
    const { address, size } = memory;
    expect(device.dma.ranges().length).toBeGreaterThan(0);
    expect(await device.mapDma({ address, size, iova: 0x10_0000n })).toBe(0x10_0000n);
    await expect(device.mapDma({ address, size, iova: 0x10_0000n })).rejects.toMatchObject({ code: 'ERR_PCI_BUSY' });
    await device.unmapDma(0x10_0000n);
    await expect(device.unmapDma(0x10_0000n)).rejects.toMatchObject({ code: 'ERR_PCI_BAD_DMA' });
    await device.mapDma({ address, size, iova: 0x20_0000n });
    await device.close();
    expect(lab.asked.filter((name) => /UNMAP/.test(name))).toHaveLength(2);
  });

  it('knows its features', () => {
    expect(device.features.probe(DEVICE_FEATURE.zpciError, { get: true })).toMatchObject({
      absent: expect.any(String) as string,
    });
    expect(failure(() => device.features.get(DEVICE_FEATURE.migration, 8)).context).toMatchObject({
      errno: 'ENOTTY',
      feature: DEVICE_FEATURE.migration,
    });
    expect(failure(() => device.features.set(DEVICE_FEATURE.migration, new Uint8Array(8))).code).toBe(
      'ERR_PCI_UNSUPPORTED',
    );
    expect(failure(() => device.zpciErrorRecord()).code).toBe('ERR_PCI_UNSUPPORTED');
  });

  it.each(['ENOTTY', 'EINVAL', 'EIO'])('says of a feature that it is absent: %s', (errno) => {
    lab.kernel.script({ call: 'ioctl', request: 'VFIO_DEVICE_FEATURE', result: errno });
    expect(device.features.probe(1)).toEqual({ absent: expect.stringContaining('feature 1') as string });
  });

  it('cannot be used after it was closed', async () => {
    await device.close();
    await device.close();
    for (const call of [
      () => device.info(),
      () => device.region(0),
      () => device.onError(() => undefined),
      () => device.onRequest(() => undefined),
      () => device.onInterrupt('msix', 0, () => undefined),
      () => device.dma,
      () => device.readConfigNow(0, 4),
      () => device.zpciBase(),
    ]) {
      expect(failure(call)).toMatchObject(CLOSED);
    }
    for (const call of [
      () => device.readConfig(0, 4),
      () => device.writeConfig(0, new Uint8Array(1)),
      () => device.reset(go),
      () => device.hotReset(go),
      () => device.hotResetScope(),
      () => device.rearmInterrupts(),
      () => device.mapDma({ address: 0n, size: 4096n, iova: 0n }),
    ]) {
      await expect(lab.clock.drive<unknown>(call())).rejects.toMatchObject(CLOSED);
    }
  });

  it('ends calls under way before it is closed: the descriptor’s number is not reused under them', async () => {
    const held = lab.kernel.script({ call: 'pread', hold: true });
    const read = device.readConfig(0, 4);
    const closing = device.close();
    await lab.turn();
    expect(lab.calls.filter(({ call }) => call === 'closeAsync')).toEqual([]);
    held.release();
    expect((await read).length).toBe(4);
    await closing;
    const [pread, close] = ['preadAsync', 'closeAsync'].map((name) => lab.calls.find(({ call }) => call === name)!);
    expect(pread!.endedAs!).toBeLessThan(close!.endedAs!);
  });

  it('ends a reset under way before it is closed, and begins no further try', async () => {
    lab.kernel.script({ call: 'ioctl', request: 'VFIO_DEVICE_RESET', result: 'EAGAIN' });
    const reset = device.reset(go);
    reset.catch(() => undefined);
    await lab.turn();
    await device.close();
    await expect(lab.clock.drive(reset)).rejects.toMatchObject(CLOSED);
    expect(lab.count('VFIO_DEVICE_RESET')).toBe(1);
  });

  it('gives back everything that is in use', async () => {
    using memory = DmaMemory.allocate(lab.kernel, 4096);
    device.onError(() => undefined);
    device.onRequest(() => undefined);
    device.onInterrupt('msix', 0, () => undefined);
    const area = device.region(PCI_REGION.bar0).map({ length: 0x1000 });
    await device.mapDma({ address: memory.address, size: memory.size, iova: 0n });
    lab.kernel.log.clear();
    await device.close();
    expect(area.memory.byteLength).toBe(0);
    const names = lab.asked.filter((name) => name !== 'closeAsync' && name !== 'takeEventfd');
    expect(names.slice(0, 4)).toEqual([
      'VFIO_DEVICE_SET_IRQS',
      'VFIO_DEVICE_SET_IRQS',
      'VFIO_DEVICE_SET_IRQS',
      'munmap',
    ]);
    expect(names[4]).toMatch(/UNMAP/);
  });

  it('gives back everything else when closing it fails, and says so', async () => {
    const file = lab.calls.findLast(({ request }) => request === 'VFIO_DEVICE_GET_REGION_INFO')!.file!;
    lab.kernel.script({ call: 'close', file, reply: () => -5 });
    await expect(device.close()).rejects.toMatchObject({ context: { errno: 'EIO' } });
    expect([lab.left, lab.ownership.devices]).toEqual([[], []]);
    device = await new Lab(machine).open(A);
  });
});

import { borrowAll } from '../../src/device/kernel-file.js';
import { openDescriptors } from '../../src/index.js';
import { deviceInfo } from '../../src/uapi/device-info.js';
import { failure } from '../uapi/failure.js';
import { errno, CannedKernel } from './canned-kernel.js';

/** A promise and how it is settled. */
function deferred() {
  let open!: () => void;
  const promise = new Promise<void>((resolve) => (open = resolve));
  return { promise, open };
}

const CLOSED = { code: 'ERR_PCI_CLOSED', context: { bdf: '0000:01:00.0', what: 'device' } };

afterEach(() => expect(openDescriptors()).toEqual([]));

describe('a file of the kernel', () => {
  it('is closed only after the calls under way: its number means something else afterwards', async () => {
    const kernel = new CannedKernel();
    const gate = deferred();
    kernel.gate = gate.promise;
    const file = kernel.file();
    const calls = [
      file.ioctlAsync('VFIO_DEVICE_RESET', undefined),
      file.preadAsync(new Uint8Array(4), 0n),
      file.pwriteAsync(new Uint8Array(4), 0n),
    ];
    const closing = file.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(kernel.closed).toEqual([]);
    gate.open();
    expect(await Promise.all(calls)).toEqual([0, 4, 4]);
    await closing;
    expect(kernel.closed).toEqual([10]);
  });

  it('refuses every call from the moment that closing begins', async () => {
    const file = new CannedKernel().file();
    const closing = file.close();
    expect(failure(() => file.ioctl('VFIO_DEVICE_RESET', undefined))).toMatchObject(CLOSED);
    expect(failure(() => file.pread(new Uint8Array(1), 0n))).toMatchObject(CLOSED);
    expect(failure(() => file.pwrite(new Uint8Array(1), 0n))).toMatchObject(CLOSED);
    expect(failure(() => file.mmap(4096, 3, 0n))).toMatchObject(CLOSED);
    expect(failure(() => file.raw)).toMatchObject(CLOSED);
    await expect(file.ioctlAsync('VFIO_DEVICE_RESET', undefined)).rejects.toMatchObject(CLOSED);
    await expect(file.preadAsync(new Uint8Array(1), 0n)).rejects.toMatchObject(CLOSED);
    await closing;
  });

  it('lets what was set up be given back between sealing and closing, and not after', async () => {
    const kernel = new CannedKernel();
    const file = kernel.file();
    await file.seal();
    expect(file.lastIoctl('VFIO_DEVICE_SET_IRQS', new Uint8Array(20))).toBe(0);
    await file.close();
    expect(file.lastIoctl('VFIO_DEVICE_SET_IRQS', new Uint8Array(20))).toBe(errno('EBADF'));
    expect(kernel.seen).toHaveLength(1);
  });

  it('is closed once, however often it is asked', async () => {
    const kernel = new CannedKernel();
    const file = kernel.file();
    await Promise.all([file.close(), file.close(), file[Symbol.asyncDispose]()]);
    expect(kernel.closed).toEqual([10]);
  });

  it('holds all files that a call needs', async () => {
    const kernel = new CannedKernel();
    const [first, second] = [kernel.file('first'), kernel.file('second')];
    const gate = deferred();
    const call = borrowAll([first, second], async (fds) => gate.promise.then(() => fds));
    const closing = [first.close(), second.close()];
    await new Promise((resolve) => setImmediate(resolve));
    expect(kernel.closed).toEqual([]);
    gate.open();
    expect(await call).toEqual([10, 11]);
    await Promise.all(closing);
    expect(new Set(kernel.closed)).toEqual(new Set([10, 11]));
  });

  it('names call, errno and device when a question fails', async () => {
    const kernel = new CannedKernel();
    kernel.answers.VFIO_DEVICE_GET_INFO = [errno('ENODEV')];
    const file = kernel.file();
    const refused = {
      code: 'ERR_PCI_NOT_PRESENT',
      context: { bdf: '0000:01:00.0', call: 'VFIO_DEVICE_GET_INFO', errno: 'ENODEV' },
    };
    expect(failure(() => file.ask(deviceInfo.query()))).toMatchObject(refused);
    await expect(file.askAsync(deviceInfo.query())).rejects.toMatchObject(refused);
    await file.close();
  });
});

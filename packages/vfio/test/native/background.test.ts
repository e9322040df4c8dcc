import { constants } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { bytes, describeNative, named, text } from './kernel.js';

const { O_RDWR, O_RDONLY, O_CREAT } = constants;

/** More than the threads of node's pool. */
const MANY = 64;

describeNative('calls in a thread', (kernel) => {
  const file = (): number => kernel.owned(kernel.open(kernel.path('file'), O_RDWR | O_CREAT));

  it('write and read at 64-bit offsets', async () => {
    const fd = file();
    const memory = new Uint8Array(5);
    expect(await kernel.pwriteAsync(fd, bytes('hello'), 2n ** 33n)).toBe(5);
    expect(await kernel.preadAsync(fd, memory, 2n ** 33n)).toBe(5);
    expect(text(memory)).toBe('hello');
  });

  it('answer errnos, never reject', async () => {
    expect(named(await kernel.preadAsync(-1, new Uint8Array(1), 0n))).toBe('EBADF');
    expect(named(await kernel.pwriteAsync(kernel.event(), new Uint8Array(1), 0n))).toBe('ESPIPE');
    expect(named(await kernel.closeAsync(-1))).toBe('EBADF');
  });

  it('close a descriptor', async () => {
    const fd = kernel.open('/dev/null', O_RDONLY);
    expect(await kernel.closeAsync(fd)).toBe(0);
    expect(named(kernel.close(fd))).toBe('EBADF');
  });

  it('do not call back before they return', async () => {
    const fd = file();
    let settled = false;
    const running = kernel.preadAsync(fd, new Uint8Array(1), 0n).then(() => (settled = true));
    expect(settled).toBe(false);
    await running;
    expect(settled).toBe(true);
  });

  it('run more at a time than there are threads, each with its own memory', async () => {
    const fd = file();
    for (let n = 0; n < MANY; n++) kernel.pwrite(fd, new Uint8Array([n]), BigInt(n) << 33n);
    const memories = Array.from({ length: MANY }, () => new Uint8Array(1));
    const results = await Promise.all(memories.map((memory, n) => kernel.preadAsync(fd, memory, BigInt(n) << 33n)));
    expect(results).toEqual(Array(MANY).fill(1));
    expect(memories.map(([first]) => first)).toEqual(Array.from({ length: MANY }, (_, n) => n));
  });

  it('keep memory alive that nobody else holds: it is not collected under the kernel’s feet', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const zero = kernel.owned(kernel.open('/dev/zero', O_RDONLY));
    const megabytes = (): number => Math.floor(process.memoryUsage().arrayBuffers / (1 << 20));
    const started = Array.from({ length: MANY }, () => kernel.preadAsync(zero, new Uint8Array(1 << 20), 0n));
    // No call is over before the event loop turns.
    for (let n = 0; n < 3; n++) collect();
    expect(megabytes()).toBeGreaterThanOrEqual(MANY);
    expect(await Promise.all(started)).toEqual(Array(MANY).fill(1 << 20));
  });

  it('take memory of length 0', async () => {
    expect(await kernel.preadAsync(file(), new Uint8Array(0), 0n)).toBe(0);
  });
});

import { constants } from 'node:fs';
import { type RawFd } from '../../src/seam/syscalls.js';
import { mkfifoSync } from './fifo.js';
import { bytes, count, describeNative, named, namedOr, never, type Kernel } from './kernel.js';

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;
/** A turn of the event loop: what is readable is called back in it. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describeNative('watch', (kernel) => {
  const watch: Kernel['watching'] = (...how) => kernel.watching(...how);
  const signal = (event: RawFd): unknown => kernel.write(event, count(1n));

  it('calls back when there is something to read, not before, and again after the next time', async () => {
    const event = kernel.event();
    const taken: bigint[] = [];
    let heard: () => void = never;
    watch(event, () => (taken.push(kernel.takeEventfd(event)), heard()));
    await turn();
    expect(taken).toEqual([]);
    for (const expected of [1n, 2n, 3n]) {
      const called = new Promise<void>((resolve) => (heard = resolve));
      kernel.write(event, count(expected));
      await called;
    }
    expect(taken).toEqual([1n, 2n, 3n]);
  });

  it('calls back for what was there before it watched', async () => {
    const event = kernel.event(7);
    expect(await new Promise((resolve) => watch(event, () => resolve(kernel.takeEventfd(event))))).toBe(7n);
  });

  it('never calls back from within the call that starts it', () => {
    watch(kernel.event(1), never)[Symbol.dispose]();
  });

  it('calls back as long as it is not taken', async () => {
    const event = kernel.event(1);
    let calls = 0;
    await new Promise<void>((resolve) =>
      watch(event, () => void (++calls === 5 && (kernel.takeEventfd(event), resolve()))),
    );
    await turn();
    expect(calls).toBe(5);
  });

  it('is fair: what never stops being readable starves neither another watch nor timers', async () => {
    const [greedy, modest] = [kernel.event(1), kernel.event(1)];
    const calls = { greedy: 0, modest: 0 };
    watch(greedy, () => calls.greedy++);
    watch(modest, () => calls.modest++);
    await new Promise((resolve) => setTimeout(resolve, 1));
    for (let turns = 0; turns < 100; turns++) await turn();
    expect(calls.greedy).toBeGreaterThanOrEqual(100);
    expect(Math.abs(calls.greedy - calls.modest)).toBeLessThanOrEqual(1);
  });

  it('watches each descriptor once: EEXIST; after the watch has ended it can be watched again', () => {
    const event = kernel.event();
    const first = watch(event, never);
    expect(namedOr(kernel.watch(event, never, never))).toBe('EEXIST');
    first[Symbol.dispose]();
    watch(event, never);
  });

  it('watches a duplicate of what is watched', async () => {
    const event = kernel.event();
    const copy = kernel.owned(kernel.duplicate(event));
    const both = Promise.all([event, copy].map((fd) => new Promise<void>((resolve) => watch(fd, resolve))));
    signal(event);
    await both;
  });

  it('answers errnos for what cannot be watched', () => {
    expect(namedOr(kernel.watch(-1, never, never))).toBe('EBADF');
    expect(namedOr(kernel.watch(2 ** 31 - 1, never, never))).toBe('EBADF');
    expect(namedOr(kernel.watch(kernel.owned(kernel.open('/proc/self/exe', O_RDONLY)), never, never))).toBe('EPERM');
  });

  it('is disposed as often as one likes, also inside its own callback', async () => {
    const event = kernel.event(1);
    let calls = 0;
    const done = new Promise<void>((resolve) => {
      const mine = watch(event, () => {
        calls++;
        mine[Symbol.dispose]();
        mine[Symbol.dispose]();
        resolve();
      });
    });
    await done;
    await turn();
    await turn();
    expect(calls).toBe(1);
    expect(kernel.takeEventfd(event)).toBe(1n);
  });

  it('is not called any more once it is disposed, even when it was readable already', async () => {
    const [first, second] = [kernel.event(1), kernel.event(1)];
    const called: string[] = [];
    const one = watch(first, () => (called.push('first'), one[Symbol.dispose](), two[Symbol.dispose]()));
    const two = watch(second, () => (called.push('second'), one[Symbol.dispose](), two[Symbol.dispose]()));
    await turn();
    await turn();
    expect(called).toHaveLength(1);
  });

  it('says that the other end is gone by being readable: reading gets 0', async () => {
    const [left, right] = kernel.socketPair() as [number, number];
    const heard = new Promise<void>((resolve) => watch(kernel.owned(right), resolve));
    kernel.close(left);
    await heard;
    expect(kernel.receive(right, new Uint8Array(1)).result).toBe(0);
  });

  const brokenPipe = (name: string): { readonly writer: RawFd; readonly breakIt: () => void } => {
    const path = kernel.path(name);
    mkfifoSync(path);
    const reader = kernel.open(path, O_RDONLY | O_NONBLOCK);
    const writer = kernel.open(path, O_WRONLY | O_NONBLOCK);
    return { writer, breakIt: () => kernel.close(reader) };
  };

  it('calls back for an error that waits on the descriptor (POLLERR), so that the next call finds it', async () => {
    const { writer, breakIt } = brokenPipe('error');
    const heard = new Promise<void>((resolve) => {
      const mine = watch(kernel.owned(writer), () => (mine[Symbol.dispose](), resolve()));
    });
    breakIt();
    await heard;
    expect(named(kernel.write(writer, bytes('x')))).toBe('EPIPE');
  });

  it('ends with EBADF when polling fails, since the descriptor was closed under it; disposing it is harmless', async () => {
    const { writer, breakIt } = brokenPipe('failure');
    // A duplicate keeps the kernel polling what has no number any more.
    kernel.owned(kernel.duplicate(writer));
    const errno = new Promise<number>((resolve) => watch(writer, never, resolve));
    await turn();
    kernel.close(writer);
    breakIt();
    expect(named(await errno)).toBe('EBADF');
  });

  it('ends with the errno when its descriptor is gone, or another kind of file, before it is first polled', async () => {
    const failed = (makeOther: () => void): Promise<number> => {
      const event = kernel.eventfd(0);
      const errno = new Promise<number>((resolve) => watch(event, never, resolve));
      kernel.close(event);
      makeOther();
      return errno;
    };
    expect(named(await failed(() => undefined))).toBe('EBADF');
    expect(named(await failed(() => kernel.owned(kernel.open('/proc/self/exe', O_RDONLY))))).toBe('EPERM');
  });

  it('lies still when its descriptor was closed under it, and can be disposed', async () => {
    const event = kernel.eventfd(0);
    const mine = watch(event, never);
    await turn();
    kernel.close(event);
    await turn();
    mine[Symbol.dispose]();
    await turn();
  });

  it('keeps promises in order: what a callback resolves is seen before the next callback', async () => {
    const [first, second] = [kernel.event(1), kernel.event(1)];
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      const note = (name: string, event: RawFd) => (): void => {
        kernel.takeEventfd(event);
        order.push(name);
        void Promise.resolve().then(() => (order.push(`after ${name}`), order.length === 4 && resolve()));
      };
      watch(first, note('first', first));
      watch(second, note('second', second));
    });
    expect(order[1]).toBe(`after ${order[0]}`);
    expect(order[3]).toBe(`after ${order[2]}`);
  });
});

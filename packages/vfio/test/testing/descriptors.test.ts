import fc from 'fast-check';
import { ScriptedKernel } from '../../src/testing/index.js';
import { named, turns, x86 } from './programs.js';

const kernelWith = (descriptors?: number): ScriptedKernel =>
  new ScriptedKernel(x86(), descriptors === undefined ? {} : { descriptors });

describe('descriptors', () => {
  it('are given lowest first, so a closed number comes back at once', () => {
    const kernel = kernelWith();
    const [first, second] = [kernel.eventfd(0), kernel.eventfd(0)];
    expect([first, second]).toEqual([3, 4]);
    kernel.close(first);
    expect(kernel.eventfd(0)).toBe(first);
  });

  it('are closed once: the second close is EBADF, as every other call is', () => {
    const kernel = kernelWith();
    const fd = kernel.eventfd(0);
    expect(kernel.close(fd)).toBe(0);
    const answers = [
      kernel.close(fd),
      kernel.duplicate(fd),
      kernel.ioctl(fd, 1, undefined),
      kernel.pread(fd, new Uint8Array(1), 0n),
      kernel.pwrite(fd, new Uint8Array(1), 0n),
      kernel.read(fd, new Uint8Array(8)),
      kernel.write(fd, new Uint8Array(8)),
      kernel.mmap(fd, 4096, 1, 0n) as number,
      Number(kernel.takeEventfd(fd)),
      kernel.watch(
        fd,
        () => undefined,
        () => undefined,
      ) as number,
      kernel.receive(fd, new Uint8Array(1)).result,
      kernel.send(fd, new Uint8Array(1), []),
      kernel.pidfdGetfd(fd, 0),
    ];
    expect(answers.map(named)).toEqual(answers.map(() => 'EBADF'));
  });

  it('end at the limit of open files: EMFILE, and nothing is left behind', () => {
    const kernel = kernelWith(5);
    expect([kernel.eventfd(0), kernel.eventfd(0)]).toEqual([3, 4]);
    expect(named(kernel.eventfd(0))).toBe('EMFILE');
    expect(named(kernel.socketPair() as number)).toBe('EMFILE');
    kernel.close(4);
    expect(named(kernel.socketPair() as number)).toBe('EMFILE');
    expect(kernel.openDescriptors.map(({ fd }) => fd)).toEqual([3]);
  });

  it('share one file when they are duplicates: it is released with the last', () => {
    const kernel = kernelWith();
    const group = kernel.open('/dev/vfio/7', 2);
    const copy = kernel.duplicate(group);
    kernel.close(group);
    expect(named(kernel.open('/dev/vfio/7', 2))).toBe('EBUSY');
    kernel.close(copy);
    expect(kernel.open('/dev/vfio/7', 2)).toBeGreaterThan(0);
  });

  it('answer what the kind of file cannot do: ENOTTY, ESPIPE, EINVAL, ENODEV, ENOTSOCK', () => {
    const kernel = kernelWith();
    const eventfd = kernel.eventfd(0);
    const container = kernel.open('/dev/vfio/vfio', 2);
    expect(named(kernel.ioctl(eventfd, 1, undefined))).toBe('ENOTTY');
    expect(named(kernel.pread(eventfd, new Uint8Array(8), 0n))).toBe('ESPIPE');
    expect(named(kernel.pwrite(eventfd, new Uint8Array(8), 0n))).toBe('ESPIPE');
    expect(named(kernel.pread(eventfd, new Uint8Array(8), -1n))).toBe('EINVAL');
    expect(named(kernel.read(container, new Uint8Array(8)))).toBe('EINVAL');
    expect(named(kernel.mmap(eventfd, 4096, 1, 0n) as number)).toBe('ENODEV');
    expect(named(kernel.receive(eventfd, new Uint8Array(1)).result)).toBe('ENOTSOCK');
    expect(named(Number(kernel.takeEventfd(container)))).toBe('EINVAL');
  });

  it('answer ENOENT for paths that are nothing of the machine, and ENAMETOOLONG', () => {
    const kernel = kernelWith();
    for (const path of ['/none', '/dev/iommu', '/dev/vfio/devices/vfio0', '/dev/vfio/8', '/dev/vfio']) {
      expect([path, named(kernel.open(path, 0))]).toEqual([path, 'ENOENT']);
    }
    expect(named(kernel.open(`/${'x'.repeat(5000)}`, 0))).toBe('ENAMETOOLONG');
  });

  it('read files that a test puts there, with a position of their own', () => {
    const kernel = kernelWith();
    kernel.file('/etc/hello', 'hello');
    const [one, two] = [kernel.open('/etc/hello', 0), kernel.open('/etc/hello', 0)];
    const buffer = new Uint8Array(3);
    expect(kernel.read(one, buffer)).toBe(3);
    expect(kernel.read(one, buffer)).toBe(2);
    expect(kernel.read(one, buffer)).toBe(0);
    expect(kernel.read(two, buffer)).toBe(3);
    expect(kernel.pread(one, buffer, 1n)).toBe(3);
    expect(Buffer.from(buffer).toString()).toBe('ell');
    expect(
      named(
        kernel.watch(
          one,
          () => undefined,
          () => undefined,
        ) as number,
      ),
    ).toBe('EPERM');
  });

  it('behave as a model of numbered files for every sequence of calls', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('make' as const) }),
      fc.record({ do: fc.constant('close' as const), at: fc.nat(12) }),
      fc.record({ do: fc.constant('copy' as const), at: fc.nat(12) }),
      fc.record({ do: fc.constant('signal' as const), at: fc.nat(12) }),
      fc.record({ do: fc.constant('take' as const), at: fc.nat(12) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const kernel = kernelWith(12);
        const model = new Map<number, { count: bigint }>();
        const free = (): number => [3, 4, 5, 6, 7, 8, 9, 10, 11].find((fd) => !model.has(fd)) ?? -1;
        const give = (file: { count: bigint }, got: number): void => {
          const expected = free();
          if (expected < 0) expect(named(got)).toBe('EMFILE');
          else {
            expect(got).toBe(expected);
            model.set(expected, file);
          }
        };
        for (const each of steps) {
          if (each.do === 'make') {
            give({ count: 0n }, kernel.eventfd(0));
            continue;
          }
          const file = model.get(each.at);
          if (each.do === 'close') {
            expect(named(kernel.close(each.at))).toBe(file ? 0 : 'EBADF');
            model.delete(each.at);
          } else if (each.do === 'copy') {
            const got = kernel.duplicate(each.at);
            if (file) give(file, got);
            else expect(named(got)).toBe('EBADF');
          } else if (each.do === 'signal') {
            const one = new Uint8Array(new BigUint64Array([1n]).buffer);
            expect(named(kernel.write(each.at, one))).toBe(file ? 8 : 'EBADF');
            if (file) file.count++;
          } else {
            const got = kernel.takeEventfd(each.at);
            if (file && file.count > 0n) expect(got).toBe(file.count);
            else expect(named(Number(got))).toBe(file ? 'EAGAIN' : 'EBADF');
            if (file) file.count = 0n;
          }
        }
        expect(kernel.openDescriptors.map(({ fd }) => fd)).toEqual([...model.keys()].sort((a, b) => a - b));
      }),
    );
  });
});

describe('eventfds', () => {
  const bytes = (count: bigint): Uint8Array => new Uint8Array(new BigUint64Array([count]).buffer);

  it('count, are taken whole, and are then empty', () => {
    const kernel = kernelWith();
    const fd = kernel.eventfd(7);
    expect(kernel.write(fd, bytes(5n))).toBe(8);
    expect(kernel.takeEventfd(fd)).toBe(12n);
    expect(named(Number(kernel.takeEventfd(fd)))).toBe('EAGAIN');
    kernel.write(fd, bytes(3n));
    const buffer = new Uint8Array(8);
    expect(kernel.read(fd, buffer)).toBe(8);
    expect(new BigUint64Array(buffer.buffer)[0]).toBe(3n);
  });

  it('take 8 bytes at least, no −1, and nothing above their top', () => {
    const kernel = kernelWith();
    const fd = kernel.eventfd(1);
    expect(named(kernel.read(fd, new Uint8Array(7)))).toBe('EINVAL');
    expect(named(kernel.write(fd, new Uint8Array(7)))).toBe('EINVAL');
    expect(named(kernel.write(fd, bytes(2n ** 64n - 1n)))).toBe('EINVAL');
    expect(named(kernel.write(fd, bytes(2n ** 64n - 2n)))).toBe('EAGAIN');
    expect(kernel.takeEventfd(fd)).toBe(1n);
  });
});

describe('watches', () => {
  const never = (): never => {
    throw new Error('This must not be called.');
  };

  it('call back in a later turn, as long as there is something, and not from within the call', async () => {
    const kernel = kernelWith();
    const fd = kernel.eventfd(1);
    let calls = 0;
    const watch = kernel.watch(fd, () => void (++calls === 3 && kernel.takeEventfd(fd)), never) as Disposable;
    expect(calls).toBe(0);
    await turns();
    expect(calls).toBe(3);
    kernel.write(fd, new Uint8Array(new BigUint64Array([1n]).buffer));
    expect(calls).toBe(3);
    await turns(1);
    expect(calls).toBe(4);
    watch[Symbol.dispose]();
    watch[Symbol.dispose]();
    await turns();
    expect(calls).toBe(4);
    expect(kernel.watched).toEqual([]);
  });

  it('watch each descriptor once, and a duplicate besides', () => {
    const kernel = kernelWith();
    const fd = kernel.eventfd(0);
    const watch = kernel.watch(fd, never, never) as Disposable;
    expect(named(kernel.watch(fd, never, never) as number)).toBe('EEXIST');
    expect(typeof kernel.watch(kernel.duplicate(fd), never, never)).toBe('object');
    watch[Symbol.dispose]();
    expect(typeof kernel.watch(fd, never, never)).toBe('object');
  });

  it('are fair: what never stops being readable does not starve others', async () => {
    const kernel = kernelWith();
    const calls = [0, 0];
    const watches = calls.map((_, at) => kernel.watch(kernel.eventfd(1), () => void calls[at]!++, never) as Disposable);
    await turns(20);
    for (const watch of watches) watch[Symbol.dispose]();
    expect(Math.abs(calls[0]! - calls[1]!)).toBeLessThanOrEqual(1);
    expect(calls[0]).toBeGreaterThan(10);
  });

  it('end with EBADF when the descriptor is gone before it is first polled, and lie still when it goes later', async () => {
    const kernel = kernelWith();
    const early = kernel.eventfd(0);
    const failed: string[] = [];
    kernel.watch(early, never, (errno) => void failed.push(String(named(errno))));
    kernel.close(early);
    await turns();
    expect(failed).toEqual(['EBADF']);
    const late = kernel.eventfd(0);
    const copy = kernel.duplicate(late);
    kernel.watch(late, never, never);
    await turns();
    kernel.close(late);
    kernel.write(copy, new Uint8Array(new BigUint64Array([1n]).buffer));
    await turns();
    expect(failed).toHaveLength(1);
  });

  it('go on after a callback that threw, which is the scheduler’s to deal with', () => {
    const tasks: (() => void)[] = [];
    const kernel = new ScriptedKernel(x86(), { schedule: (task) => void tasks.push(task) });
    const fd = kernel.eventfd(1);
    let calls = 0;
    kernel.watch(
      fd,
      () => {
        if (++calls === 1) throw new Error('thrown');
        kernel.takeEventfd(fd);
      },
      never,
    );
    expect(() => tasks.shift()!()).toThrow('thrown');
    tasks.shift()!();
    expect([calls, tasks.length]).toEqual([2, 0]);
  });

  it('run in an order that is the same every time', async () => {
    const order = async (): Promise<string> => {
      const kernel = kernelWith();
      const seen: number[] = [];
      for (let i = 0; i < 5; i++) {
        const fd = kernel.eventfd(1);
        kernel.watch(fd, () => (seen.push(i), kernel.takeEventfd(fd)), never);
      }
      await turns();
      return seen.join();
    };
    expect(await order()).toBe('0,1,2,3,4');
    expect(await order()).toBe(await order());
  });
});

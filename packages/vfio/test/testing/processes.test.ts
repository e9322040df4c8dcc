import { ScriptedKernel } from '../../src/testing/index.js';
import { BDF, named, Program, x86 } from './programs.js';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

describe('sockets', () => {
  it('carry messages one by one, and say when one was cut', () => {
    const kernel = new ScriptedKernel(x86());
    const [left, right] = kernel.socketPair() as [number, number];
    kernel.send(left, bytes('first'), []);
    kernel.send(left, bytes('second'), []);
    const buffer = new Uint8Array(3);
    expect(kernel.receive(right, buffer)).toMatchObject({ result: 3, truncated: true, sender: 0, fds: [] });
    expect(kernel.receive(right, new Uint8Array(9))).toMatchObject({ result: 6, truncated: false });
    expect(named(kernel.receive(right, buffer).result)).toBe('EAGAIN');
  });

  it('carry descriptors: duplicates, so the sender may close its own', () => {
    const kernel = new ScriptedKernel(x86());
    const [left, right] = kernel.socketPair() as [number, number];
    const eventfd = kernel.eventfd(9);
    expect(kernel.send(left, bytes('x'), [eventfd])).toBe(1);
    kernel.close(eventfd);
    const { fds } = kernel.receive(right, new Uint8Array(1));
    expect(fds).toHaveLength(1);
    expect(kernel.takeEventfd(fds[0]!)).toBe(9n);
    expect(named(kernel.send(left, bytes('x'), [999]))).toBe('EBADF');
  });

  it('let descriptors go that nobody received', () => {
    const kernel = new ScriptedKernel(x86());
    const [left, right] = kernel.socketPair() as [number, number];
    const group = kernel.open('/dev/vfio/7', 2);
    kernel.send(left, bytes('x'), [group]);
    kernel.close(group);
    expect(named(kernel.open('/dev/vfio/7', 2))).toBe('EBUSY');
    kernel.close(right);
    expect(kernel.open('/dev/vfio/7', 2)).toBeGreaterThan(0);
  });

  it('say that the other end is gone: readable, 0 bytes, EPIPE', async () => {
    const kernel = new ScriptedKernel(x86());
    const [left, right] = kernel.socketPair() as [number, number];
    const heard = new Promise<void>((resolve) => {
      // What is at its end stays readable: who does not stop watching is called for ever.
      const watch = kernel.watch(
        right,
        () => (watch[Symbol.dispose](), resolve()),
        () => undefined,
      ) as Disposable;
    });
    kernel.close(left);
    await heard;
    expect(kernel.receive(right, new Uint8Array(1)).result).toBe(0);
    expect(named(kernel.send(right, bytes('x'), []))).toBe('EPIPE');
  });

  it('are full at some time: EAGAIN', () => {
    const kernel = new ScriptedKernel(x86());
    const [left] = kernel.socketPair() as [number, number];
    const much = new Uint8Array(100_000);
    expect(kernel.send(left, much, [])).toBe(much.length);
    expect(kernel.send(left, much, [])).toBe(much.length);
    expect(named(kernel.send(left, much, []))).toBe('EAGAIN');
  });

  it('connect to who listens, by the kind that he wants', () => {
    const kernel = new ScriptedKernel(x86());
    const vmm = kernel.spawn();
    expect(named(kernel.connectUnix('/run/vmm', 'stream'))).toBe('ENOENT');
    using listening = kernel.listen('/run/vmm', 'stream', vmm);
    expect(named(kernel.connectUnix('/run/vmm', 'seqpacket'))).toBe('EPROTOTYPE');
    expect(named(kernel.connectUnix(`/${'x'.repeat(108)}`, 'stream'))).toBe('ENAMETOOLONG');
    expect(named(listening.accept())).toBe('EAGAIN');
    const mine = kernel.connectUnix('/run/vmm', 'stream');
    const theirs = listening.accept();
    const eventfd = vmm.eventfd(4);
    vmm.send(theirs, bytes('take it'), [eventfd]);
    const part = kernel.receive(mine, new Uint8Array(4));
    expect(part).toMatchObject({ result: 4, truncated: false });
    expect(kernel.takeEventfd(part.fds[0]!)).toBe(4n);
    expect(kernel.receive(mine, new Uint8Array(10))).toMatchObject({ result: 3, fds: [] });
  });
});

describe('processes', () => {
  it('have descriptors of their own on one machine', () => {
    const kernel = new ScriptedKernel(x86());
    const vmm = kernel.spawn();
    const group = kernel.open('/dev/vfio/7', 2);
    expect(named(vmm.open('/dev/vfio/7', 2))).toBe('EBUSY');
    expect(named(vmm.close(group))).toBe('EBADF');
  });

  it('lend a device to who may trace them: one device with two holders, and the ERR signal goes to the last', () => {
    const kernel = new ScriptedKernel(x86());
    const vmm = kernel.spawn({ pid: 4711 });
    const { device } = new Program(vmm).openDevice();
    const vmmEventfd = new Program(vmm).errorEventfd(device);
    const pidfd = kernel.pidfdOpen(4711);
    const copy = kernel.pidfdGetfd(pidfd, device);
    const program = new Program(kernel);
    const eventfd = program.errorEventfd(copy);
    kernel.error(BDF, { severity: 'nonfatal' }).finish();
    expect([kernel.takeEventfd(eventfd), named(Number(vmm.takeEventfd(vmmEventfd)))]).toEqual([1n, 'EAGAIN']);
    kernel.kill(vmm);
    expect(named(kernel.pidfdGetfd(pidfd, device))).toBe('ESRCH');
    expect(program.ioctl(copy, 'VFIO_DEVICE_RESET')).toBe(0);
    expect(named(kernel.open('/dev/vfio/7', 2))).toBe('EBUSY');
    kernel.close(copy);
    expect(kernel.open('/dev/vfio/7', 2)).toBeGreaterThan(0);
  });

  it('are found by their number, and refuse who may not trace them', () => {
    const kernel = new ScriptedKernel(x86());
    const vmm = kernel.spawn({ traceable: false });
    const fd = vmm.eventfd(0);
    expect(named(kernel.pidfdOpen(99))).toBe('ESRCH');
    expect(named(kernel.pidfdOpen(0))).toBe('EINVAL');
    const pidfd = kernel.pidfdOpen(vmm.pid);
    expect(named(kernel.pidfdGetfd(pidfd, fd))).toBe('EPERM');
    expect(named(kernel.pidfdGetfd(pidfd, 99))).toBe('EPERM');
    expect(named(kernel.pidfdGetfd(kernel.eventfd(0), 0))).toBe('EBADF');
    const own = kernel.pidfdOpen(kernel.pid);
    expect(named(kernel.pidfdGetfd(own, 99))).toBe('EBADF');
  });
});

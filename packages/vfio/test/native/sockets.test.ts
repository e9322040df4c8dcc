import { createServer, type Server } from 'node:net';
import { constants, readdirSync } from 'node:fs';
import { bytes, closeOnExec, describeNative, named, nonBlocking, text, thrownBy } from './kernel.js';

describeNative('socketPair, send and receive', (kernel) => {
  const pair = (): readonly [number, number] => {
    const [left, right] = kernel.socketPair() as [number, number];
    return [kernel.owned(left), kernel.owned(right)];
  };
  const empty = { truncated: false, sender: 0, fds: [] };

  it('makes both ends non-blocking and close-on-exec', () => {
    for (const end of pair()) expect([nonBlocking(end), closeOnExec(end)]).toEqual([true, true]);
  });

  it('keeps datagrams apart', () => {
    const [left, right] = pair();
    for (const message of ['one', 'three']) kernel.send(left, bytes(message), []);
    const memory = new Uint8Array(64);
    expect(kernel.receive(right, memory)).toEqual({ ...empty, result: 3 });
    expect(kernel.receive(right, memory)).toEqual({ ...empty, result: 5 });
    expect(text(memory.subarray(0, 5))).toBe('three');
  });

  it('answers EAGAIN where there is nothing, 0 where the other end is gone, and EPIPE there', () => {
    const [left, right] = kernel.socketPair() as [number, number];
    kernel.owned(right);
    expect(named(kernel.receive(right, new Uint8Array(1)).result)).toBe('EAGAIN');
    kernel.close(left);
    expect(kernel.receive(right, new Uint8Array(1))).toEqual({ ...empty, result: 0 });
    expect(named(kernel.send(right, bytes('x'), []))).toBe('EPIPE');
  });

  it('says that a datagram was longer than the buffer', () => {
    const [left, right] = pair();
    kernel.send(left, bytes('long'), []);
    expect(kernel.receive(right, new Uint8Array(2))).toEqual({ ...empty, result: 2, truncated: true });
    kernel.send(left, bytes('fits'), []);
    expect(kernel.receive(right, new Uint8Array(4))).toEqual({ ...empty, result: 4 });
  });

  it.each([1, 2, 253])('hands over %d descriptors: others for the same files, close-on-exec', (many) => {
    const [left, right] = pair();
    const event = kernel.event(41);
    expect(kernel.send(left, bytes('here'), Array<number>(many).fill(event))).toBe(4);
    const { fds, result, truncated } = kernel.receive(right, new Uint8Array(4));
    fds.forEach((fd) => kernel.owned(fd));
    expect([result, truncated, new Set(fds).size, fds.includes(event)]).toEqual([4, false, many, false]);
    expect(fds.every(closeOnExec)).toBe(true);
    kernel.write(event, new Uint8Array(BigUint64Array.of(1n).buffer));
    expect(kernel.takeEventfd(fds[0]!)).toBe(42n);
  });

  it('refuses more than 253 descriptors, and answers EBADF for one that is not open', () => {
    const [left] = pair();
    expect(thrownBy(() => kernel.send(left, bytes('x'), Array<number>(254).fill(0)))).toBe('ERR_OUT_OF_RANGE');
    expect(named(kernel.send(left, bytes('x'), [-1]))).toBe('EBADF');
  });

  it('looks at its memory last: a list that takes it away while it is read gets nothing sent', () => {
    const [left, right] = pair();
    const buffer = new ArrayBuffer(8000);
    const list: number[] = [];
    Object.defineProperty(list, 0, {
      enumerable: true,
      get() {
        structuredClone(buffer, { transfer: [buffer] });
        return left;
      },
    });
    expect(thrownBy(() => kernel.send(left, new Uint8Array(buffer), list))).toBe('ERR_INVALID_ARG_TYPE');
    expect(named(kernel.receive(right, new Uint8Array(8)).result)).toBe('EAGAIN');
  });

  it('fills up, and says so instead of waiting', () => {
    const [left] = pair();
    const sent = Array.from({ length: 100_000 }, () => kernel.send(left, new Uint8Array(1024), [])).findIndex(
      (n) => n < 0,
    );
    expect(sent).toBeGreaterThan(0);
    expect(named(kernel.send(left, new Uint8Array(1024), []))).toBe('EAGAIN');
  });

  it('answers errnos for what is no socket', () => {
    const file = kernel.owned(kernel.open('/dev/null', constants.O_RDWR));
    expect(named(kernel.send(file, bytes('x'), []))).toBe('ENOTSOCK');
    expect(named(kernel.receive(file, new Uint8Array(1)).result)).toBe('ENOTSOCK');
    expect(named(kernel.receive(-1, new Uint8Array(1)).result)).toBe('EBADF');
  });
});

describeNative('connectUnix', (kernel) => {
  let server: Server;
  afterEach(() => new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined))));

  it('connects to a stream socket that somebody serves', async () => {
    const path = kernel.path('server');
    const received = new Promise<string>((resolve) => {
      server = createServer((socket) =>
        socket.once('data', (data: Buffer) => (resolve(data.toString()), socket.destroy())),
      );
    });
    await new Promise((resolve) => server.listen(path, () => resolve(undefined)));
    const fd = kernel.owned(kernel.connectUnix(path, 'stream'));
    expect([closeOnExec(fd), nonBlocking(fd)]).toEqual([true, true]);
    kernel.send(fd, bytes('hello'), []);
    expect(await received).toBe('hello');
    expect(named(kernel.connectUnix(path, 'seqpacket'))).toBe('EPROTOTYPE');
  });

  it('answers errnos for what cannot be connected to', () => {
    expect(named(kernel.connectUnix('/there/is/none', 'stream'))).toBe('ENOENT');
    expect(named(kernel.connectUnix('/dev/null', 'seqpacket'))).toBe('ECONNREFUSED');
    expect(named(kernel.connectUnix(`/${'x'.repeat(107)}`, 'stream'))).toBe('ENAMETOOLONG');
  });

  it('closes its socket when connecting fails', () => {
    const before = readdirSync('/proc/self/fd').length;
    for (let n = 0; n < 10; n++) kernel.connectUnix('/there/is/none', 'stream');
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });
});

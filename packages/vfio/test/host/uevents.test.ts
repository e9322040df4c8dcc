import { type PciUevent } from '@pci-recovery/core/linux';
import fc from 'fast-check';
import { openDescriptors } from '../../src/index.js';
import { parseUevent, pciUevent, UeventMonitor, type Uevent } from '../../src/host/index.js';
import { bytesOf, FakeKernel, marked, take, thrownBy } from './fake-kernel.js';

/** As the kernel makes them: header, then variables, each ended by NUL. */
function datagram(action: string, path: string, variables: Readonly<Record<string, string>> = {}): Uint8Array {
  const all = { ACTION: action, DEVPATH: path, ...variables };
  return bytesOf([`${action}@${path}`, ...Object.entries(all).map(([key, value]) => `${key}=${value}`), ''].join('\0'));
}

const PATH = '/devices/pci0000:00/0000:00:06.0/0000:01:00.0';
const PCI = { SUBSYSTEM: 'pci', DRIVER: 'vfio-pci', PCI_CLASS: '20000', PCI_SLOT_NAME: '0000:01:00.0', SEQNUM: '2087' };
const begin = datagram('change', PATH, { ...PCI, ERROR_EVENT: 'BEGIN_RECOVERY', DEVICE_ONLINE: '0' });
const told = (bytes: Uint8Array): ReturnType<typeof pciUevent> => pciUevent(parseUevent(bytes) as Uevent);

describe('a uevent', () => {
  it('is action, path and variables', () => {
    const uevent = parseUevent(begin) as Uevent;
    expect([uevent.action, uevent.devicePath]).toEqual(['change', PATH]);
    expect(Object.fromEntries(uevent.variables)).toMatchObject({ SUBSYSTEM: 'pci', ERROR_EVENT: 'BEGIN_RECOVERY' });
  });

  it.each<[string, 'BEGIN_RECOVERY' | 'SUCCESSFUL_RECOVERY' | 'FAILED_RECOVERY', boolean]>([
    ['0', 'BEGIN_RECOVERY', false],
    ['1', 'SUCCESSFUL_RECOVERY', true],
    ['0', 'FAILED_RECOVERY', false],
  ])('of error recovery says DEVICE_ONLINE=%s at %s', (DEVICE_ONLINE, ERROR_EVENT, online) => {
    expect(told(datagram('change', PATH, { ...PCI, ERROR_EVENT, DEVICE_ONLINE }))).toEqual({
      kind: 'error_event',
      bdf: '0000:01:00.0',
      event: ERROR_EVENT,
      online,
    });
  });

  it.each(['add', 'remove', 'bind', 'unbind', 'change'] as const)('tells %s of a function', (action) => {
    expect(told(datagram(action, PATH, PCI))).toEqual({ kind: 'device', bdf: '0000:01:00.0', action });
  });

  it('is a change when its ERROR_EVENT is not known', () => {
    expect(told(datagram('change', PATH, { ...PCI, ERROR_EVENT: 'NEW' }))).toMatchObject({ action: 'change' });
  });

  it.each<[string, Uint8Array]>([
    ['another subsystem', datagram('add', '/devices/virtual/net/lo', { SUBSYSTEM: 'net' })],
    ['another action', datagram('move', PATH, PCI)],
    ['no function', datagram('add', '/bus/pci/drivers/x', { SUBSYSTEM: 'pci' })],
    ['a name that is not that of its path', datagram('add', PATH, { ...PCI, PCI_SLOT_NAME: '0000:02:00.0' })],
  ])('is passed over: %s', (_, bytes) => {
    expect(told(bytes)).toBeUndefined();
  });

  it('is not believed when it comes from udev', () => {
    expect(parseUevent(bytesOf('libudev\0\xfe\xed\xca\xfe'))).toBe('udev');
  });

  it.each<[string, Uint8Array]>([
    ['nothing', bytesOf('')],
    ['no NUL at the end', begin.subarray(0, -1)],
    ['no path', bytesOf('add\0ACTION=add\0')],
    ['a variable without name', bytesOf(`add@/x\0ACTION=add\0DEVPATH=/x\0=1\0`)],
    ['a variable without value', bytesOf(`add@/x\0ACTION=add\0DEVPATH=/x\0KEY\0`)],
    ['a header that its variables contradict', bytesOf('add@/x\0ACTION=remove\0DEVPATH=/x\0')],
    ['endless variables', bytesOf(`add@/x\0ACTION=add\0DEVPATH=/x\0${'A=1\0'.repeat(300)}`)],
  ])('is malformed: %s', (_, bytes) => {
    expect(parseUevent(bytes)).toBe('malformed');
  });

  it('never makes the parser throw, whatever it is', () => {
    const mutated = fc.tuple(fc.nat(begin.length - 1), fc.integer({ min: 0, max: 255 })).map(([at, byte]) => {
      const bytes = Uint8Array.from(begin);
      bytes[at] = byte;
      return bytes;
    });
    const cut = fc.nat(begin.length).map((length) => begin.subarray(0, length));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated, cut), (bytes) => {
        const uevent = parseUevent(bytes);
        if (typeof uevent !== 'string') pciUevent(uevent);
      }),
    );
  });
});

describe('the uevent monitor', () => {
  const add = (bus: number): Uint8Array =>
    datagram('add', `/devices/pci0000:00/0000:0${bus}:00.0`, { SUBSYSTEM: 'pci', PCI_SLOT_NAME: `0000:0${bus}:00.0` });
  const added = (bus: number): PciUevent => ({ kind: 'device', bdf: `0000:0${bus}:00.0` as never, action: 'add' });

  let kernel: FakeKernel;
  let abort: AbortController;
  beforeEach(() => {
    kernel = new FakeKernel();
    abort = new AbortController();
  });
  afterEach(async () => {
    abort.abort();
    await new Promise(setImmediate);
    expect(openDescriptors()).toEqual([]);
  });

  it('opens one socket for all subscribers, and closes it with the last', async () => {
    const monitor = new UeventMonitor(kernel.syscalls);
    expect(kernel.streams).toHaveLength(0);
    const other = new AbortController();
    const [one, two] = [monitor.events({ signal: abort.signal }), monitor.events({ signal: other.signal })];
    kernel.give(kernel.last, begin, add(2));
    expect(await take(2, one)).toEqual(await take(2, two));
    abort.abort();
    expect((await one.next()).done).toBe(true);
    expect(kernel.open).toHaveLength(1);
    other.abort();
    expect((await two.next()).done).toBe(true);
    expect([kernel.open.length, kernel.streams.length, openDescriptors()]).toEqual([0, 1, []]);
  });

  it('hears from the call on, before anybody asks', async () => {
    const events = new UeventMonitor(kernel.syscalls).events(abort);
    kernel.give(kernel.last, add(1));
    await new Promise(setImmediate);
    expect(await take(1, events)).toEqual([added(1)]);
  });

  it('believes only the kernel, and counts the others', async () => {
    const monitor = new UeventMonitor(kernel.syscalls);
    const events = monitor.events(abort);
    kernel.give(kernel.last, marked(add(1), { sender: 4711 }), bytesOf('libudev\0x'), add(2));
    expect(await take(1, events)).toEqual([added(2)]);
    expect(monitor.rejected).toEqual({ foreign: 1, udev: 1, malformed: 0, truncated: 0 });
  });

  it('says that something was lost when a datagram of the kernel cannot be read', async () => {
    const monitor = new UeventMonitor(kernel.syscalls);
    const events = monitor.events(abort);
    kernel.give(kernel.last, bytesOf('junk'), add(1), marked(add(2), { truncated: true }), add(3));
    const lost = { kind: 'lost', count: 1 };
    expect(await take(4, events)).toEqual([lost, added(1), lost, added(3)]);
    expect(monitor.rejected).toMatchObject({ malformed: 1, truncated: 1 });
  });

  it('does not know how many were lost when the kernel has no room (ENOBUFS)', async () => {
    const events = new UeventMonitor(kernel.syscalls).events(abort);
    kernel.give(kernel.last, add(1), 'ENOBUFS', 'EINTR', add(2));
    expect(await take(3, events)).toEqual([added(1), { kind: 'lost', count: undefined }, added(2)]);
  });

  it('counts what does not fit into a subscriber’s queue', async () => {
    const events = new UeventMonitor(kernel.syscalls, { queueLimit: 2 }).events(abort);
    kernel.give(kernel.last, ...[1, 2, 3, 4, 5].map(add));
    while (kernel.last.queue.length > 0) await new Promise(setImmediate);
    expect(await take(3, events)).toEqual([added(1), added(2), { kind: 'lost', count: 3 }]);
  });

  it('takes a storm in turns, and all of it', async () => {
    const events = new UeventMonitor(kernel.syscalls).events(abort);
    kernel.give(kernel.last, ...Array.from({ length: 1000 }, (_, index) => add(index % 10)));
    expect(await take(1000, events)).toHaveLength(1000);
  });

  it('ends everybody with the error when the socket breaks', async () => {
    const events = new UeventMonitor(kernel.syscalls).events(abort);
    kernel.give(kernel.last, add(1), 'EBADF');
    expect(await take(1, events)).toEqual([added(1)]);
    await expect(events.next()).rejects.toMatchObject({ code: 'ERR_PCI_BAD_DESCRIPTOR', context: { errno: 'EBADF' } });
    expect(kernel.open).toHaveLength(0);
  });

  it('ends everybody with the error when watching fails', async () => {
    const events = new UeventMonitor(kernel.syscalls).events(abort);
    kernel.last.failed!(-5);
    await expect(events.next()).rejects.toMatchObject({ context: { errno: 'EIO' } });
  });

  it.each<['ueventSocket' | 'watch', string, string]>([
    ['ueventSocket', 'EPERM', 'ERR_PCI_PERMISSION'],
    ['watch', 'EMFILE', 'ERR_PCI_LIMIT'],
  ])('refuses when %s fails, and leaves nothing open', async (call, errno, code) => {
    kernel.refuses[call] = errno;
    const monitor = new UeventMonitor(kernel.syscalls);
    expect(thrownBy(() => monitor.events(abort))).toMatchObject({ code });
    await new Promise(setImmediate);
    expect(kernel.open).toHaveLength(0);
  });

  it('is disposed of twice without harm: subscribers end', async () => {
    const monitor = new UeventMonitor(kernel.syscalls);
    const events = monitor.events(abort);
    await monitor[Symbol.asyncDispose]();
    await monitor[Symbol.asyncDispose]();
    expect((await events.next()).done).toBe(true);
    expect(kernel.open).toHaveLength(0);
  });

  it.each([0, -1, 1.5, NaN, Infinity])('refuses the limit %p', (queueLimit) => {
    const limit = { code: 'ERR_PCI_BAD_LIMIT' };
    expect(thrownBy(() => new UeventMonitor(kernel.syscalls, { queueLimit }))).toMatchObject(limit);
  });
});

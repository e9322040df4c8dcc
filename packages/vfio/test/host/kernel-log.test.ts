import { type KernelLogLine, type Lost } from '@pci-recovery/core/linux';
import { VirtualClock } from '@pci-recovery/core/testing';
import fc from 'fast-check';
import { openDescriptors } from '../../src/index.js';
import {
  KernelLog,
  kernelLogRecords,
  parseKmsg,
  unescapeKmsg,
  type LiveKernelLogRecord,
} from '../../src/host/index.js';
import { bytesOf, FakeKernel, take, thrownBy } from './fake-kernel.js';

const TEXT = 'pcieport 0000:00:06.0: AER: Correctable error message received from 0000:01:00.0';
const record = (sequence: number, text = TEXT, priority = 4, flags = '-'): Uint8Array =>
  bytesOf(`${priority},${sequence},${sequence * 1000},${flags};${text}\n SUBSYSTEM=pci\n DEVICE=+pci:0000:00:06.0\n`);

describe('a record of /dev/kmsg', () => {
  it('is priority, sequence, time and text, and a dictionary', () => {
    expect(parseKmsg(record(7, 'hello', 30))).toEqual({
      facility: 3,
      level: 6,
      sequence: 7n,
      microseconds: 7000n,
      continuation: false,
      text: 'hello',
      dictionary: new Map([
        ['SUBSYSTEM', 'pci'],
        ['DEVICE', '+pci:0000:00:06.0'],
      ]),
    });
  });

  it('may be a fragment, and say who called', () => {
    const fragment = parseKmsg(bytesOf('6,1,2,c,caller=T17;text; with more\n'))!;
    expect([fragment.continuation, fragment.text]).toEqual([true, 'text; with more']);
  });

  it('has its escapes undone: newlines, backslashes, UTF-8', () => {
    expect(parseKmsg(bytesOf(String.raw`6,1,2,-;a\x0ab \x5cx41 \xc3\xa4`))!.text).toBe('a\nb \\x41 ä');
    expect(unescapeKmsg('plain \\n')).toBe('plain \\n');
  });

  it.each([
    '',
    'no header',
    '6,1;too few',
    'x,1,2,-;text',
    '6,18446744073709551616,2,-;text',
    '6,1,18446744073709551616,-;text',
    `${'6'.repeat(500)},1,2,-;text`,
  ])('is none: %j', (text) => {
    expect(parseKmsg(bytesOf(text))).toBeUndefined();
  });

  it('never makes the parser throw, whatever it is', () => {
    const real = record(1);
    const mutated = fc.tuple(fc.nat(real.length - 1), fc.integer({ min: 0, max: 255 })).map(([at, byte]) => {
      const bytes = Uint8Array.from(real);
      bytes[at] = byte;
      return bytes;
    });
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated), (bytes) => void parseKmsg(bytes)));
  });
});

describe('the kernel log', () => {
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
  const shape = (items: (KernelLogLine | Lost)[]): unknown[] =>
    items.map((item) => (item.kind === 'lost' ? `lost ${item.count}` : Number(item.sequence)));
  const oldest = (): AsyncIterator<KernelLogLine | Lost> =>
    new KernelLog(kernel.syscalls, { from: 'oldest' }).events(abort);

  it('begins now: what is there is passed over', async () => {
    kernel.onOpen = ({ queue }) => queue.push(record(1), record(2));
    const events = new KernelLog(kernel.syscalls).events(abort);
    expect(kernel.last.path).toBe('/dev/kmsg');
    kernel.give(kernel.last, record(3));
    expect(await take(1, events)).toEqual([{ kind: 'line', sequence: 3n, microseconds: 3000n, level: 4, text: TEXT }]);
  });

  it('begins with the oldest when that is asked for', async () => {
    kernel.onOpen = ({ queue }) => queue.push(record(1), record(2));
    expect(shape(await take(2, oldest()))).toEqual([1, 2]);
  });

  it('waits for more', async () => {
    const events = oldest();
    const next = take(1, events);
    await new Promise(setImmediate);
    kernel.give(kernel.last, record(5));
    expect(shape(await next)).toEqual([5]);
  });

  it('counts by their numbers what was overwritten (EPIPE)', async () => {
    const events = oldest();
    kernel.give(kernel.last, record(1), 'EPIPE', record(9));
    expect(shape(await take(3, events))).toEqual([1, 'lost 7', 9]);
  });

  it('does not know how many were overwritten before the first', async () => {
    const events = oldest();
    kernel.give(kernel.last, 'EPIPE', record(9));
    expect(shape(await take(2, events))).toEqual(['lost undefined', 9]);
  });

  it('notices a gap without being told, and a record that does not fit (EINVAL) or cannot be read', async () => {
    const events = oldest();
    kernel.give(kernel.last, record(1), record(3), 'EINVAL', record(5), bytesOf('junk'), record(7));
    expect(shape(await take(7, events))).toEqual([1, 'lost 1', 3, 'lost 1', 5, 'lost 1', 7]);
  });

  it('tells only what the kernel itself says, and takes nothing else for a loss', async () => {
    const events = oldest();
    kernel.give(kernel.last, record(1), record(2, TEXT, 12), record(3));
    expect(shape(await take(2, events))).toEqual([1, 3]);
  });

  it('reads only when it is asked: the kernel’s ring is the queue', async () => {
    const events = oldest();
    kernel.give(kernel.last, ...Array.from({ length: 100 }, (_, index) => record(index)));
    await take(1, events);
    await new Promise(setImmediate);
    expect(kernel.last.queue).toHaveLength(99);
    expect(kernel.last.watcher).toBeUndefined();
  });

  it('gives every subscriber a descriptor of its own', async () => {
    const log = new KernelLog(kernel.syscalls);
    const [one, other] = [log.events(abort), log.events(abort)];
    for (const stream of kernel.streams) kernel.give(stream, record(1));
    expect([shape(await take(1, one)), shape(await take(1, other))]).toEqual([[1], [1]]);
    expect(kernel.open).toHaveLength(2);
  });

  it('ends and closes when the signal aborts, also while it waits', async () => {
    const events = oldest();
    const waiting = events.next();
    await new Promise(setImmediate);
    abort.abort();
    expect((await waiting).done).toBe(true);
    expect((await events.next()).done).toBe(true);
    expect(kernel.open).toHaveLength(0);
  });

  it('closes when its consumer leaves', async () => {
    kernel.onOpen = ({ queue }) => queue.push(record(1), record(2));
    for await (const line of { [Symbol.asyncIterator]: oldest }) {
      expect(line).toMatchObject({ sequence: 1n });
      break;
    }
    expect(kernel.open).toHaveLength(0);
  });

  it('opens nothing for a signal that has aborted', async () => {
    abort.abort();
    expect((await oldest().next()).done).toBe(true);
    expect(kernel.streams).toHaveLength(0);
  });

  it('ends with the error when reading or watching fails', async () => {
    const events = oldest();
    kernel.give(kernel.last, record(1), 'EIO');
    await take(1, events);
    await expect(events.next()).rejects.toMatchObject({ code: 'ERR_PCI_SYSCALL', context: { errno: 'EIO' } });
    expect((await events.next()).done).toBe(true);
    kernel.refuses.watch = 'EPERM';
    await expect(oldest().next()).rejects.toMatchObject({ context: { errno: 'EPERM' } });
    expect(kernel.open).toHaveLength(0);
  });

  it('gives up when nothing but failures come', async () => {
    const events = oldest();
    kernel.give(kernel.last, record(1), ...Array<string>(2000).fill('EINVAL'));
    await take(1, events);
    await expect(events.next()).rejects.toMatchObject({ context: { errno: 'EINVAL' } });
  });

  it('serves several who wait', async () => {
    const events = oldest();
    const waiting = [events.next(), events.next()];
    await new Promise(setImmediate);
    kernel.give(kernel.last, record(1), record(2));
    expect((await Promise.all(waiting)).map(({ done }) => done)).toEqual([false, false]);
  });

  it.each([
    ['EPERM', 'ERR_PCI_PERMISSION', /dmesg_restrict/],
    ['ENOENT', 'ERR_PCI_NOT_PRESENT', /container/],
  ])('says what to do against %s', (errno, code, message) => {
    kernel.refuses.open = errno;
    const error = thrownBy(() => new KernelLog(kernel.syscalls).events(abort));
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) as unknown });
  });
});

describe('records of the kernel log', () => {
  const line = (sequence: number, text: string): KernelLogLine => ({
    kind: 'line',
    sequence: BigInt(sequence),
    microseconds: BigInt(sequence) * 500_000n,
    level: 3,
    text,
  });
  const BUS_ERROR =
    'virtio-pci 0000:01:00.0: PCIe Bus Error: severity=Uncorrectable (Non-Fatal), type=Transaction Layer, (Requester ID)';
  const STATUS = 'virtio-pci 0000:01:00.0:   device [1af4:1041] error status/mask=00004000/00000000';

  async function records(lines: (KernelLogLine | Lost)[]): Promise<LiveKernelLogRecord[]> {
    const seen: LiveKernelLogRecord[] = [];
    const source = (async function* () {
      yield* lines;
    })();
    for await (const each of kernelLogRecords(source, { clock: new VirtualClock() })) seen.push(each);
    return seen;
  }

  it('have level and time of their lines', async () => {
    expect(await records([line(3, 'pcieport 0000:00:06.0: AER: device recovery successful')])).toMatchObject([
      { platform: 'aer', kind: 'recovery_succeeded', bdf: '0000:00:06.0', level: 3, time: { seconds: 1.5 } },
    ]);
  });

  it.each([
    ['EEH', 'EEH: Frozen PHB#0-PE#1fd detected', 'eeh'],
    ['zPCI', 'zpci: 0001:00:00.0: Event 0x4 reports an error for PCI function 0x1', 'zpci'],
    ['AER of old kernels', 'pcieport 0000:00:1c.0: AER: Corrected error received: id=00e0', 'aer'],
  ])('are made of lines of %s', async (_, text, platform) => {
    expect(await records([line(1, text)])).toMatchObject([{ platform }]);
  });

  it('put the lines of an AER error together', async () => {
    expect(await records([line(1, BUS_ERROR), line(2, STATUS)])).toMatchObject([
      { kind: 'error', severity: 'nonfatal', vendor: 0x1af4, status: 0x4000 },
    ]);
  });

  it('tell losses in their place, after what was complete before', async () => {
    const lost: Lost = { kind: 'lost', count: 4 };
    const seen = await records([line(1, BUS_ERROR), lost, line(9, 'EEH: Frozen PHB#0-PE#1fd detected')]);
    expect(seen.map((each) => ('platform' in each ? each.platform : each.count))).toEqual(['aer', 4, 'eeh']);
  });

  it('complete an AER error when no line comes for a while', async () => {
    const kernel = new FakeKernel();
    const abort = new AbortController();
    const clock = new VirtualClock();
    const lines = new KernelLog(kernel.syscalls, { from: 'oldest' }).events(abort);
    const live = kernelLogRecords(lines, { clock, quiet: 100 });
    const first = live.next();
    kernel.give(kernel.last, record(1, BUS_ERROR), record(2, STATUS));
    expect((await clock.drive(first)).value).toMatchObject({ kind: 'error', status: 0x4000, lastLine: 2 });
    expect(clock.monotonic()).toBe(100 * 1e6);
    const end = live.next();
    await new Promise(setImmediate);
    expect(clock.pending).toBe(0);
    abort.abort();
    expect((await end).done).toBe(true);
  });

  it('end with the error of their lines', async () => {
    const kernel = new FakeKernel();
    const lines = new KernelLog(kernel.syscalls, { from: 'oldest' }).events(new AbortController());
    kernel.give(kernel.last, 'EIO');
    const live = kernelLogRecords(lines, { clock: new VirtualClock() });
    await expect(live.next()).rejects.toMatchObject({ context: { errno: 'EIO' } });
    expect(kernel.open).toHaveLength(0);
  });
});

import { VirtualClock } from '@pci-recovery/core/testing';
import { type AerTraceEvent, type Lost } from '@pci-recovery/core/linux';
import fc from 'fast-check';
import { openDescriptors } from '../../src/index.js';
import { AerTrace, parseTraceLine, type AerTraceOptions, type TraceFiles } from '../../src/host/index.js';
import { bytesOf, FakeKernel, take, thrownBy } from './fake-kernel.js';

const HEAD = '     irq/24-aerdrv-65      [001] .....    12.345678: aer_event: ';
const NONFATAL =
  '0000:01:00.0 PCIe Bus Error: severity=Uncorrected, non-fatal, Completion Timeout, TLP Header=Not available';

describe('a line of the trace pipe', () => {
  const event = (fields: Partial<AerTraceEvent>): unknown => ({
    kind: 'aer_event',
    bdf: '0000:01:00.0',
    severity: 'nonfatal',
    errors: [],
    ...fields,
  });

  it.each<[string, string, unknown]>([
    ['a non-fatal error', NONFATAL, event({ errors: ['Completion Timeout'] })],
    [
      'a corrected one with two bits',
      '0000:01:00.0 PCIe Bus Error: severity=Corrected, Bad TLP|Bad DLLP, TLP Header=Not available',
      event({ severity: 'corrected', errors: ['Bad TLP', 'Bad DLLP'] }),
    ],
    [
      'a fatal one, whose list is empty',
      '0000:01:00.0 PCIe Bus Error: severity=Fatal, , TLP Header=Not available',
      event({ severity: 'fatal' }),
    ],
    [
      'a bit without a name',
      '0000:01:00.0 PCIe Bus Error: severity=Fatal, Malformed TLP|0x4000000, TLP Header=Not available',
      event({ severity: 'fatal', errors: ['Malformed TLP', '0x4000000'] }),
    ],
    [
      'a header of four dwords',
      '0000:01:00.0 PCIe Bus Error: severity=Fatal, Malformed TLP, TLP Header={0x4a000001,0x2000008,0x0,0xffffffff}',
      event({ severity: 'fatal', errors: ['Malformed TLP'], tlpHeader: [0x4a000001, 0x2000008, 0, 0xffffffff] }),
    ],
    [
      'a header of fourteen dwords in Flit Mode',
      `0000:01:00.0 PCIe Bus Error: severity=Fatal, , TLP Header={${Array(14).fill('0x1').join(',')}}`,
      event({ severity: 'fatal', tlpHeader: Array<number>(14).fill(1) }),
    ],
    [
      'a header with a prefix log behind it',
      '0000:01:00.0 PCIe Bus Error: severity=Fatal, , TLP Header={0x1,0x2,0x3,0x4}, TLP Prefix={0x5}',
      event({ severity: 'fatal', tlpHeader: [1, 2, 3, 4] }),
    ],
    [
      'a header without braces',
      '0000:01:00.0 PCIe Bus Error: severity=Fatal, , TLP Header=4a000001 02000008 00000000 00000000',
      event({ severity: 'fatal', tlpHeader: [0x4a000001, 0x2000008, 0, 0] }),
    ],
    [
      'no header at all, as old kernels print it',
      '0000:01:00.0 PCIe Bus Error: severity=Uncorrected, Poisoned TLP',
      event({ errors: ['Poisoned TLP'] }),
    ],
    [
      'CXL, and a domain of five digits',
      '10000:e1:00.0 CXL Bus Error: severity=Corrected, Receiver Error, TLP Header=Not available',
      event({ bdf: '10000:e1:00.0' as never, severity: 'corrected', errors: ['Receiver Error'] }),
    ],
  ])('is %s', (_, message, expected) => {
    expect(parseTraceLine(HEAD + message)).toEqual(expected);
  });

  it.each([
    '           <...>-1234  [000] d.h1.  1234.567890: aer_event: ',
    '          <idle>-0     [127] ..s2. 123456.789012: aer_event: ',
    '   my process: 1-77 (   77) [003] ....     0.000001: aer_event: ',
  ])('may begin with %j', (head) => {
    expect(parseTraceLine(head + NONFATAL)).toEqual(event({ errors: ['Completion Timeout'] }));
  });

  it('says how many were lost, or that some were', () => {
    expect(parseTraceLine('CPU:0 [LOST 12 EVENTS]')).toEqual({ kind: 'lost', count: 12 });
    expect(parseTraceLine('CPU:127 [LOST EVENTS]')).toEqual({ kind: 'lost', count: undefined });
  });

  it.each(['', '# tracer: nop', '   bash-1 [000] ..... 1.000001: sched_switch: x'])('is not ours: %j', (line) => {
    expect(parseTraceLine(line)).toBe('other');
  });

  it.each([
    `${HEAD}junk`,
    `${HEAD}0000:01:00.9 PCIe Bus Error: severity=Fatal, , TLP Header=Not available`,
    `${HEAD}0000:01:00.0 PCIe Bus Error: severity=Odd, , TLP Header=Not available`,
    `${HEAD}0000:01:00.0 PCIe Bus Error: severity=Fatal, , TLP Header={0x123456789}`,
    `${HEAD}0000:01:00.0 PCIe Bus Error: severity=Fatal, , TLP Header={${Array(17).fill('0x1').join(',')}}`,
    `${HEAD}0000:01:00.0 PCIe Bus Error: severity=Fatal, , TLP Header={}`,
    'aer_event: torn',
  ])('should be ours and cannot be read: %j', (line) => {
    expect(parseTraceLine(line)).toBe('unreadable');
  });

  it('never makes the parser throw, nor hang', () => {
    const line = HEAD + NONFATAL;
    const mutated = fc
      .tuple(fc.nat(line.length), fc.string())
      .map(([at, text]) => line.slice(0, at) + text + line.slice(at));
    fc.assert(fc.property(fc.oneof(fc.string(), mutated), (text) => void parseTraceLine(text)));
    for (const filler of [' ', ':', '1.', 'aer_event: ', '[0] ']) parseTraceLine(filler.repeat(1000));
  });
});

/** A tracefs in memory: making an instance makes its files. */
class FakeTracefs implements TraceFiles {
  readonly log: string[] = [];
  readonly instances: Set<string>;
  readonly refuses = new Map<string, string>();
  hasEvent = true;

  constructor(...instances: string[]) {
    this.instances = new Set(instances);
  }

  makeDirectory(path: string): void {
    this.#do('mkdir', path);
    this.instances.add(path.split('/').at(-1)!);
  }

  names(): readonly string[] {
    return [...this.instances];
  }

  exists(path: string): boolean {
    return path.endsWith('/events') || this.hasEvent;
  }

  write(path: string, text: string): void {
    this.#do(`write ${text} to`, path);
  }

  async removeInstance(path: string): Promise<void> {
    this.#do('rmdir', path);
    this.instances.delete(path.split('/').at(-1)!);
  }

  #do(what: string, path: string): void {
    const short = path.replace(/^.*?(instances\/)/, '').replace(/(?<=pci-recovery-)\d+-[0-9a-f]{8}/, 'mine');
    const line = `${what} ${short}`;
    for (const [start, code] of this.refuses)
      if (line.startsWith(start)) throw Object.assign(new Error(code), { code });
    this.log.push(line);
  }
}

describe('the trace of AER events', () => {
  let kernel: FakeKernel;
  let files: FakeTracefs;
  let clock: VirtualClock;
  let abort: AbortController;
  const trace = (options: AerTraceOptions = {}): AerTrace =>
    new AerTrace(kernel.syscalls, { files, clock, root: '/t', isAlive: (pid) => pid === 42, ...options });
  beforeEach(() => {
    kernel = new FakeKernel();
    files = new FakeTracefs();
    clock = new VirtualClock();
    abort = new AbortController();
  });
  afterEach(async () => {
    abort.abort();
    await new Promise(setImmediate);
    expect(openDescriptors()).toEqual([]);
  });

  const line = (bus: number): string => HEAD + NONFATAL.replace('0000:01', `0000:0${bus}`) + '\n';
  const shape = (items: (AerTraceEvent | Lost)[]): unknown[] =>
    items.map((item) => (item.kind === 'lost' ? item.count : item.bdf));

  it('has an instance of its own, from the call on until the last subscriber leaves', async () => {
    const events = trace().events(abort);
    expect(files.log).toEqual([
      'mkdir pci-recovery-mine',
      'write 64 to pci-recovery-mine/buffer_size_kb',
      'write 1 to pci-recovery-mine/events/ras/aer_event/enable',
    ]);
    expect(kernel.last.path).toMatch(/^\/t\/instances\/pci-recovery-\d+-[0-9a-f]{8}\/trace_pipe$/);
    kernel.give(kernel.last, bytesOf(line(1)));
    expect(shape(await take(1, events))).toEqual(['0000:01:00.0']);
    abort.abort();
    expect((await events.next()).done).toBe(true);
    // That switches the event off, too (kernel/trace/trace.c:__remove_instance).
    expect(files.log.slice(3)).toEqual(['rmdir pci-recovery-mine']);
    expect([kernel.open.length, files.instances.size, openDescriptors()]).toEqual([0, 0, []]);
  });

  it('puts lines together however the pipe cuts them', async () => {
    const events = trace().events(abort);
    const text = line(1) + line(2);
    kernel.give(kernel.last, ...[text.slice(0, 30), text.slice(30, 150), text.slice(150)].map(bytesOf));
    expect(shape(await take(2, events))).toEqual(['0000:01:00.0', '0000:02:00.0']);
  });

  it('tells what the kernel lost, what cannot be read, and what was too long, in their places', async () => {
    const aer = trace();
    const events = aer.events(abort);
    const text = `CPU:0 [LOST 12 EVENTS]\n${line(1)}${HEAD}torn\n${line(2)}${'x'.repeat(5000)}\n${line(3)}`;
    kernel.give(kernel.last, bytesOf(text));
    expect(shape(await take(6, events))).toEqual([12, '0000:01:00.0', 1, '0000:02:00.0', 1, '0000:03:00.0']);
    expect(aer.unreadable).toBe(2);
  });

  it('counts what a slow subscriber misses', async () => {
    const events = trace({ queueLimit: 1 }).events(abort);
    kernel.give(kernel.last, bytesOf(line(1) + line(2) + line(3)));
    await new Promise(setImmediate);
    expect(shape(await take(2, events))).toEqual(['0000:01:00.0', 2]);
  });

  it('polls by the clock where the pipe cannot be watched', async () => {
    kernel.refuses.watch = 'EPERM';
    const events = trace({ pollEvery: 50 }).events(abort);
    expect(clock.pending).toBe(1);
    kernel.give(kernel.last, bytesOf(line(1)));
    clock.advance(49);
    expect(kernel.last.queue).toHaveLength(1);
    clock.advance(1);
    kernel.give(kernel.last, bytesOf(line(2)));
    clock.advance(50);
    expect(shape(await take(2, events))).toEqual(['0000:01:00.0', '0000:02:00.0']);
    abort.abort();
    await events.next();
    expect([clock.pending, kernel.open.length]).toEqual([0, 0]);
  });

  it('stops polling when reading fails', async () => {
    kernel.refuses.watch = 'EPERM';
    const events = trace().events(abort);
    kernel.give(kernel.last, 'EIO');
    clock.advance(100);
    await expect(events.next()).rejects.toMatchObject({ context: { errno: 'EIO' } });
    expect([clock.pending, kernel.open.length]).toEqual([0, 0]);
  });

  it('removes instances of processes that are gone, and nothing else', async () => {
    files = new FakeTracefs(
      'pci-recovery-41',
      'pci-recovery-41-0123abcd',
      'pci-recovery-42-0123abcd',
      'foo',
      'pci-recovery-x',
    );
    const aer = trace();
    aer.events(abort);
    await aer[Symbol.asyncDispose]();
    expect([...files.instances]).toEqual(['pci-recovery-42-0123abcd', 'foo', 'pci-recovery-x']);
  });

  it('leaves a stale instance that somebody has open', async () => {
    files = new FakeTracefs('pci-recovery-41');
    files.refuses.set('rmdir pci-recovery-41', 'EBUSY');
    const aer = trace();
    const events = aer.events(abort);
    abort.abort();
    expect((await events.next()).done).toBe(true);
    expect([...files.instances]).toEqual(['pci-recovery-41']);
    // Its process can be alive, in a pid namespace that we do not see: nothing of it is switched off.
    expect(files.log.filter((line) => line.includes('pci-recovery-41'))).toEqual([]);
  });

  it.each<[string, string, string, RegExp]>([
    ['mkdir', 'ENOENT', 'ERR_PCI_NOT_PRESENT', /mount -t tracefs/],
    ['mkdir', 'EACCES', 'ERR_PCI_PERMISSION', /root/],
    ['write 64', 'EINVAL', 'ERR_PCI_SYSCALL', /buffer_size_kb/],
    ['write 1', 'EPERM', 'ERR_PCI_PERMISSION', /lockdown/],
  ])('says what to do when %s fails with %s, and leaves nothing behind', async (call, errno, code, message) => {
    files.refuses.set(call, errno);
    expect(thrownBy(() => trace().events(abort))).toMatchObject({
      code,
      message: expect.stringMatching(message) as unknown,
    });
    await new Promise(setImmediate);
    expect([files.instances.size, kernel.open.length]).toEqual([0, 0]);
  });

  it('says that the kernel has no such event', () => {
    files.hasEvent = false;
    expect(thrownBy(() => trace().events(abort))).toMatchObject({ code: 'ERR_PCI_TRACE_EVENT_MISSING' });
    expect(files.log).toEqual([]);
  });

  it('removes the instance when its pipe cannot be opened', async () => {
    kernel.refuses.open = 'EACCES';
    expect(thrownBy(() => trace().events(abort))).toMatchObject({ code: 'ERR_PCI_PERMISSION' });
    await new Promise(setImmediate);
    expect(files.instances.size).toBe(0);
  });

  it('tells that somebody switched tracing off in it', async () => {
    const events = trace().events(abort);
    kernel.give(kernel.last, bytesOf(line(1)), '');
    expect(shape(await take(1, events))).toEqual(['0000:01:00.0']);
    await expect(events.next()).rejects.toMatchObject({ code: 'ERR_PCI_TRACE_STOPPED' });
    expect([files.instances.size, kernel.open.length]).toEqual([0, 0]);
  });

  it('tells who leaves last that its instance could not be removed', async () => {
    const events = trace().events(abort);
    files.refuses.set('rmdir', 'EBUSY');
    await expect(events.return!()).rejects.toMatchObject({ code: 'ERR_PCI_BUSY', context: { errno: 'EBUSY' } });
  });
});

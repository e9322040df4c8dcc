import { systemClock } from '@pci-recovery/core';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { AerTrace, KernelLog, UeventMonitor } from '../../src/host/index.js';
import { nativeAvailability, nativeSyscalls, openDescriptors } from '../../src/index.js';
import { newDirectory, removeTrees } from './fixtures.js';

afterAll(removeTrees);

const built = nativeAvailability();
const native = built === true ? describe : describe.skip;
const why = built === true ? '' : ` (not run: the native addon is not built: ${built.absent.slice(0, 60)})`;

/** Whether this user may: in many containers and with dmesg_restrict it may not. */
function readable(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
    return true;
  } catch {
    return false;
  }
}
const logReadable = readable('/dev/kmsg');

native(`the real kernel${why}`, () => {
  afterEach(() => {
    expect(openDescriptors()).toEqual([]);
  });

  it('lets uevents be listened to', async () => {
    const abort = new AbortController();
    await using monitor = new UeventMonitor(nativeSyscalls());
    const events = monitor.events(abort);
    const next = events.next();
    abort.abort();
    expect((await next).done).toBe(true);
  });

  const log = logReadable ? it : it.skip;
  const unread = logReadable ? '' : ' (not run: /dev/kmsg may not be read here)';
  log(`has a log that is read from the oldest record${unread}`, async () => {
    const abort = new AbortController();
    const events = new KernelLog(nativeSyscalls(), { from: 'oldest' }).events(abort);
    expect((await events.next()).value).toMatchObject({ kind: 'line' });
    abort.abort();
    expect((await events.next()).done).toBe(true);
  });

  log(`has a log that is waited for${unread}`, async () => {
    const abort = new AbortController();
    const events = new KernelLog(nativeSyscalls()).events(abort);
    setImmediate(() => abort.abort());
    // Whatever the kernel says meanwhile: it ends, and holds nothing.
    for await (const line of events) expect(['line', 'lost']).toContain(line.kind);
  });

  it('delivers a trace pipe as it fills, through a FIFO', async () => {
    const root = await newDirectory();
    const files = {
      makeDirectory: (path: string) => {
        execFileSync('mkdir', ['-p', path]);
        execFileSync('mkfifo', [`${path}/trace_pipe`]);
      },
      names: () => [],
      exists: () => true,
      write: () => undefined,
      removeInstance: (path: string) => Promise.resolve(void execFileSync('rm', ['-r', path])),
    };
    await using trace = new AerTrace(nativeSyscalls(), { root, files, clock: systemClock });
    const events = trace.events({ signal: new AbortController().signal });
    const [instance] = execFileSync('ls', [`${root}/instances`], { encoding: 'utf8' }).split('\n');
    const line =
      'x-1 [000] ..... 1.000001: aer_event: 0000:01:00.0 PCIe Bus Error: severity=Fatal, , TLP Header=Not available';
    execFileSync('sh', ['-c', `echo '${line}' > '${root}/instances/${instance}/trace_pipe'`]);
    expect((await events.next()).value).toMatchObject({ bdf: '0000:01:00.0', severity: 'fatal' });
  });
});

import { EventEmitter } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { main } from '../src/main.js';
import { processIo, type HostProcess } from '../src/process-io.js';

const failing = (code: string): Writable =>
  new Writable({ write: (_, __, done) => done(Object.assign(new Error('write'), { code })) });

/** A process whose streams fail as told; what it did. */
function fakeProcess(streams: { stdout?: Writable; stderr?: Writable } = {}) {
  const events = new EventEmitter();
  const exits: (number | undefined)[] = [];
  const said: string[] = [];
  const sink = (): Writable => new Writable({ write: (text: Buffer, _, done) => (said.push(String(text)), done()) });
  const process = Object.assign(events, {
    stdin: Readable.from([]),
    stdout: streams.stdout ?? sink(),
    stderr: streams.stderr ?? sink(),
    env: {},
    exit: (code?: number) => void exits.push(code),
  }) as unknown as HostProcess;
  return { process, events, exits, said };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('output that nobody takes', () => {
  it('ends the command when its reader has seen enough, and that is no failure', async () => {
    const { process, exits, said } = fakeProcess({ stdout: failing('EPIPE') });
    await main(['simulate', '--list'], processIo(process));
    await turn();
    expect([exits[0], said]).toEqual([0, []]);
  });

  it.each([
    ['ENOSPC', 'no space left'],
    ['EIO', 'Error: write'],
  ])('is a failure when it cannot be written (%s): one line on stderr, exit code 1', async (code, words) => {
    const { process, exits, said } = fakeProcess({ stdout: failing(code) });
    await main(['simulate', '--list'], processIo(process));
    await turn();
    expect(exits[0]).toBe(1);
    expect(said).toEqual([expect.stringMatching(new RegExp(`^pci-recovery: Cannot write: .*${words}.*\\n$`))]);
  });

  it('does not matter on stderr', async () => {
    const { process, exits } = fakeProcess({ stderr: failing('EPIPE') });
    expect(await main(['explode'], processIo(process))).toBe(2);
    await turn();
    expect(exits).toEqual([]);
  });

  it('lets a command that ends in order do so: what it holds is not dropped in the middle of a recovery', async () => {
    for (const code of ['EPIPE', 'ENOSPC']) {
      const { process, exits } = fakeProcess({ stdout: failing(code) });
      const io = processIo(process);
      const { stop } = io;
      io.stdout.write('a line\n');
      await turn();
      expect([stop!.aborted, exits]).toEqual([true, []]);
      expect(io.exitCode(0)).toBe(code === 'EPIPE' ? 0 : 1);
      expect(io.exitCode(4)).toBe(4);
    }
  });
});

describe('signals', () => {
  it('are left alone for commands that hold nothing: the first one ends them', () => {
    const { process, events } = fakeProcess();
    processIo(process);
    expect(events.eventNames()).toEqual([]);
  });

  it.each(['SIGINT', 'SIGTERM'])('ask for an orderly end who wants one (%s), the second ends at once', (name) => {
    const { process, events } = fakeProcess();
    const io = processIo(process);
    const { stop } = io;
    expect(io.stop).toBe(stop);
    expect(events.listenerCount(name)).toBe(1);
    events.emit(name);
    expect(stop!.aborted).toBe(true);
    expect(events.listenerCount(name)).toBe(0);
  });
});

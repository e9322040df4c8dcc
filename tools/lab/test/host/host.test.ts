import { jest } from '@jest/globals';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { limit } from '../../src/host/limit.js';
import { runProgram } from '../../src/host/programs.js';
import { removeLeftovers, temporaryFolder } from '../../src/host/temporary.js';

describe('programs of this machine', () => {
  const { signal } = new AbortController();
  const node = (code: string, options: object = {}) =>
    runProgram(process.execPath, ['-e', code], { hint: 'install node', signal, ...options });

  it('give what they print', async () => {
    const { stdout, stderr } = await node('process.stdin.pipe(process.stdout); console.error("e")', {
      input: Buffer.from([0, 255]),
    });
    expect([[...stdout], stderr]).toEqual([[0, 255], 'e\n']);
  });

  it('say their last words when they fail', async () => {
    await expect(node('console.error("what is wrong"); process.exit(3)')).rejects.toMatchObject({
      code: 'ERR_PCI_LAB_PROGRAM_FAILED',
      message: expect.stringContaining('what is wrong') as string,
    });
  });

  it('may end with a code that is no failure', async () => {
    await expect(node('process.exit(2)', { accept: [0, 2] })).resolves.toBeDefined();
  });

  it('are missed with a hint', async () => {
    await expect(runProgram('no-such-program', [], { hint: 'install it', signal })).rejects.toMatchObject({
      code: 'ERR_PCI_LAB_PROGRAM_MISSING',
      message: 'no-such-program is not there: install it.',
    });
  });

  it('end when they are aborted', async () => {
    const stop = new AbortController();
    const running = node('setInterval(() => {}, 1000)', { signal: stop.signal });
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'ERR_PCI_LAB_TIMEOUT' });
  });
});

describe('a limit of time', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('aborts when it is over, and says what took too long', () => {
    using time = limit(new AbortController().signal, 2000, 'the boot');
    jest.advanceTimersByTime(1999);
    expect(time.signal.aborted).toBe(false);
    jest.advanceTimersByTime(1);
    expect(time.signal.reason).toEqual(new Error('the boot took longer than 2 s'));
  });

  it('aborts with its parent, also when that was before', () => {
    const parent = new AbortController();
    using time = limit(parent.signal, 2000, 'it');
    parent.abort('why');
    expect(time.signal.reason).toBe('why');
    using late = limit(parent.signal, 2000, 'it');
    expect(late.signal.aborted).toBe(true);
  });

  it('does nothing any more when it is disposed', () => {
    const parent = new AbortController();
    const time = limit(parent.signal, 2000, 'it');
    time[Symbol.dispose]();
    parent.abort();
    jest.advanceTimersByTime(3000);
    expect([time.signal.aborted, jest.getTimerCount()]).toEqual([false, 0]);
  });
});

describe('temporary folders', () => {
  let parent: string;
  beforeEach(() => (parent = mkdtempSync(join(tmpdir(), 'lab-temporary-'))));
  afterEach(() => rmSync(parent, { recursive: true }));

  it('are removed when the process that made them is gone, and only then', async () => {
    const mine = await temporaryFolder(parent);
    // No process has a number that large (kernel/pid.c: PID_MAX_LIMIT is 4 194 304).
    for (const name of ['.tmp-99999999-x', 'kernel-amd64', '.tmp-x']) mkdirSync(join(parent, name));
    await removeLeftovers(parent);
    expect(existsSync(mine)).toBe(true);
    expect(['.tmp-99999999-x', 'kernel-amd64', '.tmp-x'].map((name) => existsSync(join(parent, name)))).toEqual([
      false,
      true,
      true,
    ]);
  });
});

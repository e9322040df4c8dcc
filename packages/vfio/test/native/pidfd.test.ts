import { spawn, type ChildProcess } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';
import { once } from 'node:events';
import { closeOnExec, count, describeNative, named } from './kernel.js';

/** The number that the child has the eventfd under. */
const CHILDS_FD = 3;
/** Above every limit of a pid. */
const NO_PID = 2 ** 31 - 1;

describeNative('pidfdOpen and pidfdGetfd', (kernel) => {
  let child: ChildProcess | undefined;
  afterEach(() => child?.kill('SIGKILL'));

  /** A process that holds `fd` as its descriptor 3 and waits. */
  async function holder(fd: number): Promise<number> {
    child = spawn('cat', [], { stdio: ['pipe', 'ignore', 'ignore', fd] });
    await once(child, 'spawn');
    return child.pid!;
  }

  it('takes a duplicate of a descriptor that another process holds', async () => {
    const event = kernel.event(1);
    const pidfd = kernel.owned(kernel.pidfdOpen(await holder(event)));
    expect(closeOnExec(pidfd)).toBe(true);
    const taken = kernel.owned(kernel.pidfdGetfd(pidfd, CHILDS_FD));
    expect(closeOnExec(taken)).toBe(true);
    kernel.write(event, count(1n));
    expect(kernel.takeEventfd(taken)).toBe(2n);
  });

  it('answers EBADF for a descriptor that the other does not have', async () => {
    const pidfd = kernel.owned(kernel.pidfdOpen(await holder(kernel.event())));
    expect(named(kernel.pidfdGetfd(pidfd, 4711))).toBe('EBADF');
  });

  it('answers ESRCH for a process that ended', async () => {
    const pidfd = kernel.owned(kernel.pidfdOpen(await holder(kernel.event())));
    const ended = once(child!, 'exit');
    child!.kill('SIGKILL');
    await ended;
    expect(named(kernel.pidfdGetfd(pidfd, CHILDS_FD))).toBe('ESRCH');
  });

  it('answers errnos for what is no process and no pidfd', () => {
    expect(named(kernel.pidfdOpen(NO_PID))).toBe('ESRCH');
    expect(named(kernel.pidfdOpen(-1))).toBe('EINVAL');
    const file = openSync('/dev/null', 'r');
    expect(named(kernel.pidfdGetfd(file, 0))).toBe('EBADF');
    closeSync(file);
  });
});

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describeNative } from './kernel.js';

const CHILDREN = fileURLToPath(new URL('./children/', import.meta.url));
/** Not a timing: what hangs must fail. */
const HANGS_MS = 120_000;

/** How a process of its own ended. An abort shows as `signal`. */
function run(script: string, ...args: string[]) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [`${CHILDREN}${script}`, ...args], {
    encoding: 'utf8',
    timeout: HANGS_MS,
  });
  return { status, signal, stdout: stdout.trim(), stderr: stderr.trim() };
}
const well = (stdout: string) => ({ status: 0, signal: null, stdout, stderr: '' });

describeNative('watches in processes of their own', () => {
  it('make an uncaught exception of what a callback throws, at once or later, and go on', () => {
    expect(run('throw-caught.mjs')).toEqual(well('thrown-0 thrown-1 thrown-2 thrown-3 thrown-4 thrown-5'));
  });

  it('end the process like any uncaught exception where nobody catches it, without an abort', () => {
    const { status, signal, stderr } = run('throw-uncaught.mjs');
    expect([status, signal]).toEqual([1, null]);
    expect(stderr).toContain('Error: nobody catches this');
  });

  it.each(['at-once', 'in-callback', 'ended'])('let the process exit with live watches: %s', (how) => {
    expect(run('exit.mjs', how)).toEqual({ ...well(''), status: 7 });
  });

  it('keep the process alive until the last one ends', () => {
    expect(run('end.mjs')).toEqual(well('all ended'));
  });

  it(
    'are 10,000 without a thread each',
    () => {
      const { status, signal, stdout } = run('many.mjs');
      const { count, heard, threadsAdded } = JSON.parse(stdout) as Record<string, number>;
      expect({ status, signal, heard, threadsAdded }).toEqual({
        status: 0,
        signal: null,
        heard: count,
        threadsAdded: 0,
      });
      if (count !== 10_000)
        process.stderr.write(`only ${count} eventfds: the limit of open files is lower than 10,000\n`);
    },
    HANGS_MS,
  );

  it(
    'live and die with Workers, however those end',
    () => {
      const { stdout, ...ended } = run('workers.mjs');
      expect(ended).toEqual({ status: 0, signal: null, stderr: '' });
      expect(JSON.parse(stdout)).toEqual({
        terminated: 6,
        'terminated-at-once': 6,
        'terminated-while-called': 6,
        exits: 6,
        'exits-in-callback': 6,
        ends: 6,
        throws: 6,
        'thrown in a worker': 6,
      });
    },
    HANGS_MS,
  );
});

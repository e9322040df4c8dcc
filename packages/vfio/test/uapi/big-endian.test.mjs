import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CannotRun } from '../../scripts/abi/cannot-run.mjs';
import { s390xNode } from '../../scripts/abi/s390x/node.mjs';
import { stage } from '../../scripts/abi/s390x/stage.mjs';

const MINUTES = 60_000;

function emulated() {
  if (process.arch === 's390x') return { why: 'this host is big-endian itself, so all tests show it' };
  try {
    return { command: s390xNode() };
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error;
    return { why: error.message };
  }
}

/** Runs the codecs' tests, these very ones, on node for s390x. */
function runTests([emulator, ...args]) {
  const folder = mkdtempSync(join(tmpdir(), 'pci-recovery-s390x-'));
  try {
    const { program, tests } = stage(folder);
    const { status, stdout, stderr } = spawnSync(emulator, [...args, program, ...tests], {
      encoding: 'utf8',
      timeout: 4 * MINUTES,
      env: { ...process.env, NODE_OPTIONS: '', PCI_RECOVERY_EMULATED: '1' },
    });
    return { tests, status, stderr, report: JSON.parse(stdout || 'null') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('the codecs on a big-endian host', () => {
  const { command, why } = emulated();
  if (command === undefined) {
    it.skip(`not run: ${why}`, () => undefined);
    return;
  }
  it(
    'pass all their tests on node for s390x, in its own byte order',
    () => {
      const { tests, status, stderr, report } = runTests(command);
      expect({ status, said: status === 0 ? '' : stderr }).toEqual({ status: 0, said: '' });
      expect(report).toMatchObject({ arch: 's390x', endianness: 'BE', failures: [] });
      expect(tests.length).toBeGreaterThanOrEqual(8);
      expect(report.passed).toBeGreaterThan(1300);
    },
    5 * MINUTES,
  );
});

import { parseBdf, type ErsResult, type RecoveryOutcome } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { restoreConfig, saveConfig } from '@pci-recovery/aer';
import { simulate } from '@pci-recovery/aer/sim';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { recoverByHand } from '../src/by-hand.js';
import { recoverWithContainer } from '../src/with-container.js';

const NIC = parseBdf('0000:01:00.0');

describe.each([
  ['by hand', recoverByHand],
  ['with a container', recoverWithContainer],
])('embedding %s', (_, compose) => {
  async function run(vote: ErsResult): Promise<{ outcome: RecoveryOutcome; seen: string[] }> {
    const clock = new VirtualClock();
    const hardware = simulate({
      clock,
      rootPorts: [{ kind: 'root_port', bdf: '00:01.0', below: [{ kind: 'endpoint', bdf: NIC }] }],
    });
    const saved = saveConfig(hardware, NIC)!;
    const seen: string[] = [];
    const device = {
      quiesce: () => seen.push('quiesce'),
      notifyGuest: () => vote,
      restore: () => (seen.push('restore'), restoreConfig(hardware, saved)),
      release: () => seen.push('release'),
      unplug: () => seen.push('unplug'),
    };
    const engine = await compose(hardware, clock, new Map([[NIC, device]]));
    const ended = new Promise<RecoveryOutcome>((resolve) => {
      engine.observe((event) => event.type === 'ended' && resolve(event.outcome));
    });
    hardware.detect(NIC, { error: 'MALF_TLP' });
    const outcome = await clock.drive(ended);
    await engine.close();
    return { outcome, seen };
  }

  it('quiesces, restores after the reset and releases', async () => {
    const { outcome, seen } = await run('need_reset');
    expect(outcome.result).toBe('recovered');
    expect(seen).toEqual(['quiesce', 'restore', 'release']);
  });

  it('unplugs what its guest gave up, and never releases it', async () => {
    const { outcome, seen } = await run('disconnect');
    expect(outcome).toMatchObject({ result: 'disconnected', usable: [] });
    expect(seen).toEqual(['quiesce', 'quiesce', 'unplug']);
  });
});

describe('the README', () => {
  const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

  it('shows the ten-line example as it is compiled here', () => {
    const example = readFileSync(path('../src/ten-lines.ts'), 'utf8');
    expect(readFileSync(path('../../../README.md'), 'utf8')).toContain('```ts\n' + example + '```');
  });

  it('shows an example that runs', () => {
    const program = path('./run-ten-lines.mjs');
    const output = execFileSync(process.execPath, [program], { encoding: 'utf8', cwd: path('..') });
    expect(output).toBe('recovered\n');
  });
});

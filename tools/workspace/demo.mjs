// The main job, shown: a fault is recovered step by step, and a real dump of configuration space is decoded.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const command = join(root, 'packages', 'cli', 'bin', 'pci-recovery.js');

/** Runs the command as a user would; the demonstration ends where it fails. */
function show(...args) {
  console.log(`\n$ pci-recovery ${args.join(' ')}`);
  const { status } = spawnSync(process.execPath, [command, ...args], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

show('simulate', '--platform', 'all');
show('decode', 'examples/config-dumps/fatal-malformed-tlp.txt');

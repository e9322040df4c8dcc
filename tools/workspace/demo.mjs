// The main job, shown: one fault on all platforms side by side, one step by step, and a real dump of configuration space.
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

show('simulate', '--side-by-side');
show('simulate', '--platform', 'aer');
show('decode', 'examples/config-dumps/fatal-malformed-tlp.txt');

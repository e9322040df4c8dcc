// The two commands of the README, and their siblings: `node tools/workspace/run.mjs demo|test|bench|docs|lab`.
// Needs nothing but node: dependencies are installed first when they are missing or outdated.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installDependencies } from './install.mjs';
import { totals } from './totals.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  if (error) throw error;
  return status ?? 1;
}

// npm passes its own configuration on by environment; nx must see the plain one.
const nx = (...args) =>
  run(process.execPath, [join(root, 'node_modules', 'nx', 'dist', 'bin', 'nx.js'), ...args], { NX_TUI: 'false' });

const commands = {
  demo: () =>
    nx('run-many', '-t', 'build', '--output-style=static') ||
    run(process.execPath, [join(root, 'tools', 'workspace', 'demo.mjs')]),
  test: () => {
    const status = nx('run-many', '-t', 'build', 'typecheck', 'lint', 'test', '--output-style=static');
    const { passed, failed, skipped } = totals(root);
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
    return status;
  },
  bench: () => nx('run', 'bench:all', '--output-style=stream'),
  docs: () => nx('run', 'docs:api', '--output-style=stream'),
  lab: () =>
    nx('run-many', '-t', 'build', '--output-style=static') ||
    run(process.execPath, [join(root, 'tools', 'lab', 'dist', 'main.js'), ...process.argv.slice(3)]),
};

const name = process.argv[2] ?? '';
if (!Object.hasOwn(commands, name)) {
  console.error(`usage: run.mjs ${Object.keys(commands).join('|')}`);
  process.exitCode = 2;
} else {
  installDependencies(root);
  process.exitCode = commands[name]();
}

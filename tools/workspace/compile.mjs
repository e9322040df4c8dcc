// Builds the package in the current folder: what is left in dist of sources that are gone goes first, or it would be published.
//   node ../../tools/workspace/compile.mjs
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { prune } from './prune.mjs';

prune(process.cwd());
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
process.exitCode = status ?? 1;

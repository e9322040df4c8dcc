// Runs jest in the current package: `node ../../tools/workspace/jest.mjs [jest arguments]`.
// The machine-readable result goes to .test-results/jest.json, from which the totals of all packages are summed.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { jestConfig } from './jest.config.mjs';

const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
mkdirSync('.test-results', { recursive: true });
const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--no-warnings=ExperimentalWarning',
    jest,
    '--config',
    JSON.stringify(jestConfig(process.cwd())),
    '--json',
    `--outputFile=${join('.test-results', 'jest.json')}`,
    ...process.argv.slice(2),
  ],
  { stdio: ['inherit', 'ignore', 'inherit'] },
);
process.exitCode = status ?? 1;

// What compiling the addon needs, and what of it is missing here.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

const NODE_GYP = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');

/** Whether a program can be started at all. */
export const runs = (program, ...args) => spawnSync(program, args, { stdio: 'ignore' }).error === undefined;

/** Missing programs, in words. `compiler`: the C compiler that is to be used. */
export function missingTools(compiler) {
  const wanted = [
    [compiler, compiler],
    ['make', 'make'],
    ['python3', process.env.PYTHON ?? 'python3'],
  ];
  return wanted.filter(([, program]) => !runs(program, '--version')).map(([name]) => name);
}

/** The folder with `include/node` of the node that runs; undefined: node-gyp has to download the headers. */
export function nodeHeaders(environment = process.env) {
  const folders = [environment.npm_config_nodedir, resolve(dirname(process.execPath), '..')];
  return folders.find((folder) => folder && existsSync(join(folder, 'include', 'node', 'node_api.h')));
}

/** Runs node-gyp in `folder`; its exit status. */
export function nodeGyp(folder, args, environment = {}) {
  const headers = nodeHeaders();
  const nodedir = headers ? [`--nodedir=${headers}`] : [];
  const { status } = spawnSync(process.execPath, [NODE_GYP, ...nodedir, '--loglevel=warn', ...args], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...environment },
  });
  return status ?? 1;
}

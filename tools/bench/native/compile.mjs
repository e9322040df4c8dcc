// Compiles the C programs that the binding is measured beside.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCES = fileURLToPath(new URL('.', import.meta.url));

/** The path of the program made of `name`.c in `folder`; throws when there is no compiler. */
export function compile(name, folder) {
  const program = join(folder, name);
  const compiler = process.env.CC ?? 'cc';
  const { error, status, stderr } = spawnSync(
    compiler,
    ['-O2', '-std=c11', '-Wall', '-Wextra', '-Werror', '-D_GNU_SOURCE', '-o', program, join(SOURCES, `${name}.c`)],
    { encoding: 'utf8' },
  );
  if (error) throw new Error(`${compiler} cannot be run: ${error.message}`);
  if (status !== 0) throw new Error(`${compiler} failed: ${stderr}`);
  return program;
}

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../host/programs.js';
import { labError } from '../failure.js';

/** A module, ready to be inserted. */
export interface KernelModule {
  /** With underscores, as the kernel names it. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Names of the modules that must be there before. */
  readonly depends: readonly string[];
}

/** The one name of a module: files and people use dashes and underscores as they like. */
export const moduleName = (file: string): string =>
  file
    .replace(/^.*\//, '')
    .replace(/\.ko(\..*)?$/, '')
    .replaceAll('-', '_');

/**
 * What a module says it depends on: `depends=` of its section .modinfo, which modpost writes from the symbols it uses.
 * So neither modules.dep nor depmod is needed.
 */
export function moduleDependencies(bytes: Uint8Array): readonly string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  const list = /\0depends=([\w,-]*)\0/.exec(text)?.[1] ?? '';
  return list.split(',').filter(Boolean).map(moduleName);
}

async function readModule(file: string, signal: AbortSignal): Promise<Uint8Array> {
  const packed = await readFile(file);
  if (!file.endsWith('.xz')) return packed;
  return (await runProgram('xz', ['-dc'], { hint: 'install xz-utils', signal, input: packed })).stdout;
}

/** Where the modules of a kernel are: names of those built in, and files of the others. */
async function inventory(
  folder: string,
): Promise<{ builtIn: ReadonlySet<string>; files: ReadonlyMap<string, string> }> {
  const names = await readdir(folder, { recursive: true });
  const files = names.filter((name) => /\.ko(\.xz)?$/.test(name));
  const builtIn = (await readFile(join(folder, 'modules.builtin'), 'utf8')).split('\n').filter(Boolean);
  return {
    builtIn: new Set(builtIn.map(moduleName)),
    files: new Map(files.map((name) => [moduleName(name), join(folder, name)])),
  };
}

/**
 * The modules and those they depend on, each after its own dependencies. Modules that are built into the kernel are
 * left out.
 * @throws PciRecoveryError `ERR_PCI_LAB_ARCHIVE` when the kernel has no such module.
 */
export async function kernelModules(
  folder: string,
  wanted: readonly string[],
  signal: AbortSignal,
): Promise<readonly KernelModule[]> {
  const { builtIn, files } = await inventory(folder);
  const found = new Map<string, KernelModule>();
  const add = async (name: string): Promise<void> => {
    if (found.has(name) || builtIn.has(name)) return;
    const file = files.get(name);
    if (file === undefined) throw labError('ARCHIVE', `The kernel of ${folder} has no module ${name}.`);
    const bytes = await readModule(file, signal);
    const depends = moduleDependencies(bytes);
    for (const one of depends) await add(one);
    found.set(name, { name, bytes, depends });
  };
  for (const name of wanted) await add(moduleName(name));
  return [...found.values()];
}

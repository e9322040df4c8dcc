import { readFile, realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { runProgram } from '../host/programs.js';
import { labError } from '../failure.js';
import { type FileTree } from './file-tree.js';

/** The libraries that `ldd` lists: the path that each is asked for by, or its name when it has none. */
export const neededLibraries = (ldd: string): readonly { readonly name: string; readonly file: string }[] =>
  [...ldd.matchAll(/^\s+(?:(\S+) => )?(\/\S+) \(0x[0-9a-f]+\)$/gm)].map(([, name, file]) => ({
    name: name ?? file!,
    file: file!,
  }));

/** Libraries that `ldd` did not find. */
export const missingLibraries = (ldd: string): readonly string[] =>
  [...ldd.matchAll(/\S+(?= => not found)/g)].map(String);

/**
 * Puts this machine's own node with its libraries into the guest: the very program that runs the lab, so the guest must
 * be of the same architecture.
 * @throws PciRecoveryError `ERR_PCI_LAB_PROGRAM_FAILED` when a library is missing.
 */
export async function addHostNode(tree: FileTree, signal: AbortSignal): Promise<void> {
  const { stdout } = await runProgram('ldd', [process.execPath], { hint: 'install libc-bin', signal });
  const missing = missingLibraries(stdout.toString());
  if (missing.length > 0) throw labError('PROGRAM_FAILED', `${process.execPath} misses ${missing.join(', ')}.`);
  for (const { name, file } of neededLibraries(stdout.toString())) {
    // The loader is asked for by its full path, the others by name.
    tree.file(name.startsWith('/') ? name : `lib/${basename(name)}`, await readFile(file), 0o755);
  }
  tree.file('bin/node', await readFile(await realpath(process.execPath)), 0o755);
}

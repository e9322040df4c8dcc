import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { kernelFolder, type LabParts } from '../archive/parts.js';
import { type Machine } from '../machine/machine.js';
import { cpioArchive } from './cpio.js';
import { FileTree } from './file-tree.js';
import { addHostNode } from './guest-node.js';
import { GUEST_ROOT, INIT, PRINT_UEVENT } from './init.js';
import { kernelModules } from './kernel-modules.js';
import { WorkspaceFiles } from './workspace-files.js';

/** What a guest is made of. */
export interface InitramfsOptions {
  readonly machine: Machine;
  readonly parts: LabParts;
  /** The workspace's folder. */
  readonly workspace: string;
  readonly signal: AbortSignal;
}

async function addModules(tree: FileTree, { machine, parts, signal }: InitramfsOptions): Promise<void> {
  const modules = await kernelModules(kernelFolder(parts), machine.modules, signal);
  for (const { name, bytes } of modules) tree.file(`lib/modules/${name}.ko`, bytes);
  const list = modules.map(({ name, depends }) => [name, depends]);
  tree.file('lib/modules/depends.json', JSON.stringify(Object.fromEntries(list)));
}

/** The files of a guest: busybox, node, the kernel's modules, our packages as they are built, the agent. */
export async function guestTree(options: InitramfsOptions): Promise<FileTree> {
  const { parts, workspace, signal } = options;
  const tree = new FileTree();
  for (const name of ['proc', 'sys', 'tmp', 'dev', 'run']) tree.directory(name);
  tree.characterDevice('dev/console', 5, 1);
  tree.file('bin/busybox', await readFile(join(parts.busybox.root, 'usr', 'bin', 'busybox')), 0o755);
  tree.file('init', INIT, 0o755).file('bin/print-uevent', PRINT_UEVENT, 0o755);
  await addHostNode(tree, signal);
  await addModules(tree, options);
  const files = new WorkspaceFiles(tree, workspace, GUEST_ROOT);
  await files.add(join(workspace, 'tools', 'lab'));
  await files.addIfBuilt('@pci-recovery/vfio');
  return tree;
}

/** Writes the guest's first file system to `file`. */
export async function writeInitramfs(options: InitramfsOptions, file: string): Promise<void> {
  const tree = await guestTree(options);
  // Not compressed: unpacking costs an emulated processor more than reading does.
  await pipeline(Readable.from(cpioArchive(tree.entries())), createWriteStream(file));
}

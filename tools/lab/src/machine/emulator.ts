import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { labError } from '../failure.js';
import { type Machine } from './machine.js';

/** Where a Debian architecture has its loader and its libraries, below a root. */
const PLACES: Readonly<Record<string, { readonly loader: string; readonly libraries: readonly string[] }>> = {
  x64: { loader: 'usr/lib64/ld-linux-x86-64.so.2', libraries: ['usr/lib/x86_64-linux-gnu'] },
};

/**
 * The command that runs an unpacked QEMU: by its own loader with its own libraries, for it needs newer ones than this
 * machine may have.
 * @throws PciRecoveryError `ERR_PCI_LAB_ARCHIVE` when it cannot run here.
 */
export function emulatorCommand(machine: Machine, root: string, cpu: string = process.arch): readonly string[] {
  const places = PLACES[cpu];
  if (places === undefined) {
    throw labError('ARCHIVE', `The lab's QEMU runs on ${Object.keys(PLACES).join(', ')} only, and this is ${cpu}.`);
  }
  const { program, firmware } = machine.emulator;
  const loader = join(root, places.loader);
  for (const file of [loader, join(root, program)]) {
    if (!existsSync(file))
      throw labError('ARCHIVE', `The packages of QEMU have no ${file}: fetch them with --refresh.`);
  }
  const libraries = places.libraries.map((place) => join(root, place)).join(':');
  const folders = firmware.flatMap((place) => ['-L', join(root, place)]);
  return [loader, '--library-path', libraries, join(root, program), ...folders];
}

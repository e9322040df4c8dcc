import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bdfParts, type Bdf } from '@pci-recovery/core';
import { parseAerInject, type AerInjection } from '@pci-recovery/aer/sim';

/** Descriptions of errors in the language of aer-inject, by name. */
export type Descriptions = Readonly<Record<string, string>>;

/** Made ones: one of each severity, and one of two errors. */
export const MADE: Descriptions = {
  correctable: 'AER\nCOR_STATUS BAD_TLP\nHEADER_LOG 0 1 2 3\n',
  nonfatal: 'AER\nUNCOR_STATUS COMP_TIME\nHEADER_LOG 4 5 6 7\n',
  several: '# Two errors in one message\nAER UNCOR COMP_TIME UNX_COMP HL 0x8 0x9 0xa 0xb\n',
  fatal: 'AER\nUNCOR_STATUS MALF_TLP\nHEADER_LOG 0 1 2 3\n',
};

/** Those that lie beside the checkout, by their files' names; undefined where there are none. */
export function descriptionsIn(folder: string): Descriptions | undefined {
  if (!existsSync(folder)) return undefined;
  const names = readdirSync(folder).sort();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

/** One error that is to be injected: the name of its description and its number in it. */
export interface NamedInjection {
  readonly name: string;
  readonly injection: AerInjection;
}

/** The errors of descriptions, in order. @throws PciRecoveryError `ERR_PCI_BAD_AER_INJECT` */
export const injectionsOf = (descriptions: Descriptions): readonly NamedInjection[] =>
  Object.entries(descriptions).flatMap(([name, text]) =>
    parseAerInject(text).map((injection, at) => ({ name: `${name}-${at + 1}`, injection })),
  );

/** Size of the kernel's structure. */
const SIZE = 32;

/**
 * What is written to `/dev/aer_inject`: bus, device and function, then from byte 4 on the uncorrectable and the correctable
 * status, four dwords of header, and the domain; little-endian on x86. An error without an address goes to `target`.
 *
 * Source: Linux 7.3 drivers/pci/pcie/aer_inject.c (struct aer_error_inj, facts).
 */
export function injectorBytes({ bdf, uncorrectable, correctable, header }: AerInjection, target: Bdf): Uint8Array {
  const { domain, bus, device, function: fn } = bdfParts(bdf ?? target);
  const view = new DataView(new ArrayBuffer(SIZE));
  [bus, device, fn].forEach((value, at) => view.setUint8(at, value));
  [uncorrectable, correctable, ...header, domain].forEach((value, at) => view.setUint32(4 + 4 * at, value, true));
  return new Uint8Array(view.buffer);
}

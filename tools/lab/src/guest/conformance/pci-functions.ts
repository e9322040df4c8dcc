import { PciRecoveryError, type Bdf } from '@pci-recovery/core';
import { existsSync, readlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';

const PCI = '/sys/bus/pci';
const DRIVER = 'vfio-pci';

const folder = (bdf: Bdf): string => `${PCI}/devices/${bdf}`;

async function write(path: string, text: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.write(text);
  } finally {
    await file.close();
  }
}

const driverOf = (bdf: Bdf): string | undefined =>
  existsSync(`${folder(bdf)}/driver`) ? basename(readlinkSync(`${folder(bdf)}/driver`)) : undefined;

/** Takes a function's driver away, if it has one. */
export async function unbind(bdf: Bdf): Promise<void> {
  if (driverOf(bdf) !== undefined) await write(`${folder(bdf)}/driver/unbind`, bdf);
}

/**
 * Sees to it that a function is there and vfio-pci has it.
 * @throws PciRecoveryError `ERR_PCI_NOT_BOUND` when it does not take that driver
 */
export async function bindToVfio(bdf: Bdf): Promise<void> {
  if (!existsSync(folder(bdf))) await write(`${PCI}/rescan`, '1');
  if (driverOf(bdf) === DRIVER) return;
  await unbind(bdf);
  await write(`${folder(bdf)}/driver_override`, DRIVER);
  await write(`${PCI}/drivers_probe`, bdf);
  if (driverOf(bdf) === DRIVER) return;
  throw new PciRecoveryError('ERR_PCI_NOT_BOUND', `${bdf} did not take the driver ${DRIVER}.`, { context: { bdf } });
}

/** Has the kernel take a function away. Settles when it is gone, which waits for its holder. */
export const remove = (bdf: Bdf): Promise<void> => write(`${folder(bdf)}/remove`, '1');

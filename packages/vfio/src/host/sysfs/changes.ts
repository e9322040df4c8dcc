import { bdfParts, parseBdf, PciRecoveryError, type Bdf } from '@pci-recovery/core';
import { isName } from '../files/path.js';
import { type Sysfs } from './sysfs.js';

/** Where to look for functions that are new or back. */
export type RescanWhere =
  | undefined
  /** The bus of this function. */
  | { readonly besides: Bdf }
  /** One bus. */
  | { readonly domain: number; readonly bus: number };

/**
 * A word that the kernel takes as a line of its own.
 * @throws PciRecoveryError `ERR_PCI_BAD_SETTING`
 */
function word(text: string, what: string): string {
  if (isName(text) && /^[\x21-\x7e]+$/.test(text)) return text;
  throw new PciRecoveryError('ERR_PCI_BAD_SETTING', `"${text}" is no ${what}: one word without "/" is.`, {
    context: { text },
  });
}

/**
 * Unplugs a function for the kernel (drivers/pci/pci-sysfs.c:remove_store), with everything below it. Of a function that
 * is open through VFIO it returns when its holder, told by the REQ eventfd, has closed it.
 */
export const removeFunction = (sysfs: Sysfs, bdf: Bdf): Promise<void> => sysfs.write(bdf, 'remove', '1');

/** Looks for new functions: everywhere, or at one bus (pci-sysfs.c:rescan_store, dev_rescan_store, bus_rescan_store). */
export async function rescan(sysfs: Sysfs, where?: RescanWhere): Promise<void> {
  if (where === undefined) return sysfs.files.write(['bus', 'pci', 'rescan'], '1');
  if ('besides' in where) return sysfs.write(where.besides, 'rescan', '1');
  const { domain, bus } = where;
  const fits = Number.isInteger(domain) && domain >= 0 && domain <= 0xffff_ffff && Number.isInteger(bus);
  if (!fits || bus < 0 || bus > 255) {
    throw new PciRecoveryError('ERR_PCI_BAD_BDF', 'A bus is a domain of up to 32 bits and a number 0–255.', {
      context: { domain, bus },
    });
  }
  const name = `${domain.toString(16).padStart(4, '0')}:${bus.toString(16).padStart(2, '0')}`;
  return sysfs.files.write(['class', 'pci_bus', name, 'rescan'], '1');
}

/**
 * Resets a function by its reset methods in order (pci-sysfs.c:reset_store); takes 0.1 s and more. The kernel saves and
 * restores its configuration space. Never of a function that somebody else drives.
 */
export const resetFunction = (sysfs: Sysfs, bdf: Bdf): Promise<void> => sysfs.write(bdf, 'reset', '1');

/** Chooses reset methods, in order; `default`: what the kernel would; none: the function cannot be reset any more. */
export async function setResetMethods(sysfs: Sysfs, bdf: Bdf, methods: readonly string[] | 'default'): Promise<void> {
  const words = methods === 'default' ? ['default'] : methods.map((method) => word(method, 'reset method'));
  await sysfs.write(bdf, 'reset_method', `${words.join(' ')}\n`);
}

/** Only this driver may be bound from now on; undefined: any again. Does not unbind the present one. */
export async function overrideDriver(sysfs: Sysfs, bdf: Bdf, driver: string | undefined): Promise<void> {
  await sysfs.write(bdf, 'driver_override', driver === undefined ? '\n' : word(driver, 'driver'));
}

/**
 * Takes the function from its driver. Waits for a holder as {@link removeFunction}.
 * @throws PciRecoveryError `ERR_PCI_NOT_PRESENT` when it has none.
 */
export const unbindDriver = (sysfs: Sysfs, bdf: Bdf): Promise<void> => sysfs.write(bdf, 'driver/unbind', parseBdf(bdf));

/** Gives the function to a driver that knows it, or that {@link overrideDriver} named. */
export async function bindDriver(sysfs: Sysfs, bdf: Bdf, driver: string): Promise<void> {
  await sysfs.files.write(['bus', 'pci', 'drivers', word(driver, 'driver'), 'bind'], parseBdf(bdf));
}

/** Lets the kernel look for a driver of a function that has none. */
export const probeDrivers = (sysfs: Sysfs, bdf: Bdf): Promise<void> =>
  sysfs.files.write(['bus', 'pci', 'drivers_probe'], parseBdf(bdf));

/** Thaws the function's PE when it is isolated (arch/powerpc/kernel/eeh_sysfs.c:eeh_pe_state_store). */
export const thawPe = (sysfs: Sysfs, bdf: Bdf): Promise<void> => sysfs.write(bdf, 'eeh_pe_state', '1');

/**
 * Removes a zPCI function, switches it off and on, and adds it again (arch/s390/pci/pci_sysfs.c:recover_store). It drops
 * driver_override; of a function that is open through VFIO it returns when its holder has closed it.
 */
export const recoverZpci = (sysfs: Sysfs, bdf: Bdf): Promise<void> => sysfs.write(bdf, 'recover', '1');

/** Reports an error of a zPCI function to firmware (report_error_write): bytes as `zpci_report_error_header` lays them out. */
export const reportZpciError = (sysfs: Sysfs, bdf: Bdf, report: Uint8Array): Promise<void> =>
  sysfs.write(bdf, 'report_error', report);

/** The bus that a function is on, for {@link rescan} when the function itself is gone. */
export function busOf(bdf: Bdf): { domain: number; bus: number } {
  const { domain, bus } = bdfParts(bdf);
  return { domain, bus };
}

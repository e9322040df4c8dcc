import { parseBdf, type Bdf } from '@pci-recovery/core';
import { type SysfsPort } from '@pci-recovery/core/linux';
import { placeFunctions, PciTopology } from '@pci-recovery/pci/topology';

/** A link's target as an address; undefined when it is none. */
function addressOf(name: string | undefined): Bdf | undefined {
  try {
    return name === undefined ? undefined : parseBdf(name);
  } catch {
    return undefined;
  }
}

/**
 * Reads the tree of PCI functions from `/sys/bus/pci/devices`. Without privilege only 64 bytes of configuration space can be read:
 * then port types are unknown, and only the tree of buses is.
 *
 * A function that goes away meanwhile is left out.
 */
export async function readTopology(sysfs: SysfsPort): Promise<PciTopology> {
  const images: { bdf: Bdf; bytes: Uint8Array; driver: string | undefined; physical: Bdf | undefined }[] = [];
  for (const bdf of await sysfs.devices()) {
    const bytes = await sysfs.readBytes(bdf, 'config');
    if (bytes === undefined) continue;
    const driver = await sysfs.link(bdf, 'driver');
    images.push({ bdf, bytes, driver, physical: addressOf(await sysfs.link(bdf, 'physfn')) });
  }
  return new PciTopology(
    placeFunctions(images).map(({ device: { driver, physical }, topology }) => ({
      ...topology,
      ...(driver === undefined ? {} : { driver }),
      ...(physical === undefined ? {} : { physicalFunction: physical }),
    })),
  );
}

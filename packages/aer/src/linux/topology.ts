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

/** A function's configuration space and what sysfs says of it; undefined when it went away meanwhile. */
async function imageOf(sysfs: SysfsPort, bdf: Bdf) {
  const bytes = await sysfs.readBytes(bdf, 'config');
  if (bytes === undefined) return undefined;
  const driver = await sysfs.link(bdf, 'driver');
  return { bdf, bytes, driver, physical: addressOf(await sysfs.link(bdf, 'physfn')) };
}

/**
 * Reads the tree of PCI functions from `/sys/bus/pci/devices`. Without privilege only 64 bytes of configuration space can be read:
 * then port types are unknown, and only the tree of buses is.
 *
 * A function that goes away meanwhile is left out. One that cannot be read is too, and `trouble` is told of the first of them.
 * @throws what the port throws when there is no list of functions at all.
 */
export async function readTopology(
  sysfs: SysfsPort,
  trouble: (error: unknown) => void = () => undefined,
): Promise<PciTopology> {
  const images: NonNullable<Awaited<ReturnType<typeof imageOf>>>[] = [];
  let troubled = false;
  for (const bdf of await sysfs.devices()) {
    try {
      const image = await imageOf(sysfs, bdf);
      if (image) images.push(image);
    } catch (error) {
      if (!troubled) trouble(error);
      troubled = true;
    }
  }
  return new PciTopology(
    placeFunctions(images).map(({ device: { driver, physical }, topology }) => ({
      ...topology,
      ...(driver === undefined ? {} : { driver }),
      ...(physical === undefined ? {} : { physicalFunction: physical }),
    })),
  );
}

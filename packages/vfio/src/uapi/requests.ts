import { PciRecoveryError } from '@pci-recovery/core';
import { REQUESTS } from './abi/requests.js';

/** An architecture with known request numbers, by node's name (`ppc64` is ppc64le here; its numbers are the same). */
export type UapiArchitecture = keyof typeof REQUESTS;

/** Name of an ioctl(2) request. */
export type RequestName = keyof (typeof REQUESTS)['x64'];

/** Request numbers by name, 32 bits unsigned. */
export type RequestNumbers = Readonly<Record<RequestName, number>>;

/** The architectures with known request numbers. */
export const UAPI_ARCHITECTURES = Object.keys(REQUESTS) as readonly UapiArchitecture[];

/**
 * The request numbers of an architecture. They differ: PowerPC has other direction bits (`_IOC_NONE` is 1 there, Linux
 * arch/powerpc/include/uapi/asm/ioctl.h), so VFIO_DEVICE_RESET is 0x20003b6f on ppc64 and 0x3b6f elsewhere.
 * @throws PciRecoveryError `ERR_PCI_UNKNOWN_ARCHITECTURE` when there is no table for it
 */
export function requests(architecture: string = process.arch): RequestNumbers {
  if (!Object.hasOwn(REQUESTS, architecture)) {
    throw new PciRecoveryError(
      'ERR_PCI_UNKNOWN_ARCHITECTURE',
      `VFIO's request numbers are not known for "${architecture}": known are ${UAPI_ARCHITECTURES.join(', ')}.`,
      { context: { architecture } },
    );
  }
  return REQUESTS[architecture as UapiArchitecture];
}

import { PciRecoveryError, type Plain } from '@pci-recovery/core';

/** The device, or the way it is held, has no such thing. */
export const unsupported = (why: string, context: Readonly<Record<string, Plain>>): PciRecoveryError =>
  new PciRecoveryError(
    'ERR_PCI_UNSUPPORTED',
    `It cannot be done${typeof context.bdf === 'string' ? ` for ${context.bdf}` : ''}: ${why}.`,
    {
      context,
    },
  );

import { PciRecoveryError, type Bdf } from '@pci-recovery/core';

/** An address that is held twice. */
export const duplicate = (bdf: Bdf): PciRecoveryError =>
  new PciRecoveryError('ERR_PCI_DUPLICATE_FUNCTION', `${bdf} is held already: let go of it first.`, {
    context: { bdf },
  });

/** A device that answers all ones cannot be taken into care. */
export const silent = (bdf: Bdf): PciRecoveryError =>
  new PciRecoveryError('ERR_PCI_NO_ANSWER', `${bdf} does not answer: reset it, then hold it.`, { context: { bdf } });

/** Nothing can be asked of a platform that is closed. */
export const closed = (name: string): PciRecoveryError =>
  new PciRecoveryError('ERR_PCI_CLOSED', `The platform "${name}" is closed.`, { context: { name } });

import { type Bdf } from '@pci-recovery/core';
import { type Machine } from '../machine/machine.js';
import { type PciFunction } from '../machine/pci-function.js';
import { type VfioContext } from '../driver/context.js';
import { type AerCounters } from './aer-counters.js';
import { type HostStreams } from './streams.js';
import { type Uevents } from './uevents.js';

/** What the host's own recovery works with. */
export interface Host {
  readonly machine: Machine;
  readonly vfio: VfioContext;
  readonly uevents: Uevents;
  readonly counters: AerCounters;
  readonly streams: HostStreams;
}

/** Whether the function's driver has error handlers, so that it is told. */
export const handlesErrors = ({ driver, description }: PciFunction): boolean =>
  driver === 'vfio-pci' || (driver !== undefined && description.errorHandlers !== false);

/** error_detected of vfio-pci: signals the ERR eventfd, when there is one (vfio_pci_core_aer_err_detected). */
export function signalError({ vfio }: Host, subject: PciFunction): void {
  if (subject.driver === 'vfio-pci') vfio.deviceOf(subject).interrupts.error?.signal();
}

/** A function, or the port that an error is of. */
export interface ErrorSource {
  readonly bdf: Bdf;
  readonly subject: PciFunction | undefined;
}

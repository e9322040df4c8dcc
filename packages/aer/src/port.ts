import { type Bdf, type Stoppable } from '@pci-recovery/core';
import { type PciTopology } from '@pci-recovery/pci/topology';

/** Width of a configuration access in bytes. */
export type ConfigWidth = 1 | 2 | 4;

/**
 * What the AER platform needs of the machine in host mode, with the ports in hand. Everything else, resets included, is
 * done through configuration space, as the kernel does it.
 */
export interface AerHostPort {
  /** The functions as they are now; a new object after every change. */
  readonly topology: PciTopology;
  /** The generation of the function at an address (0 for the first). */
  generationOf(bdf: Bdf): number;
  /** Little-endian register read at a byte offset 0–4095. All ones when nobody answers. Never throws. */
  readConfig(bdf: Bdf, offset: number, width: ConfigWidth): number;
  /** Register write; lost when nobody answers. Never throws. */
  writeConfig(bdf: Bdf, offset: number, width: ConfigWidth, value: number): void;
  /** The AER interrupt of a root port or event collector, by its address. One consumer. */
  interrupts(options: Stoppable): AsyncIterable<Bdf>;
  /** Tells user space what the kernel would (Linux `pci_uevent_ers`); absent: nobody listens. */
  uevent?(bdf: Bdf, event: 'BEGIN_RECOVERY' | 'SUCCESSFUL_RECOVERY' | 'FAILED_RECOVERY'): void;
  /** The platform has control of AER registers (ACPI _OSC), not firmware. Default: true. */
  readonly nativeAer?: boolean;
}

import { type Bdf, type ErrorEvent } from '@pci-recovery/core';
import { type PortType } from '@pci-recovery/pci/topology';

/** How an AER error reached us. */
export type AerOrigin =
  /** A message to a root port or event collector; the source's status is read again before it is handled. */
  | 'message'
  /** Downstream Port Containment: always fatal, the link is already down. */
  | 'dpc'
  /** Firmware-first (ACPI APEI): the registers come with the record. */
  | 'firmware'
  /** Found broken by a survey. */
  | 'survey';

/** The decoded record of an AER error. Register values are as read, 32 bits. */
export interface AerRecord {
  readonly origin: AerOrigin;
  /** The root port or event collector that reported it; absent where there is none. */
  readonly root?: Bdf;
  readonly portType?: PortType;
  /** Severity as the root's status told it: the source itself is not asked. */
  readonly severity: 'correctable' | 'nonfatal' | 'fatal';
  /** More errors of this kind were received than were logged. */
  readonly multiple: boolean;
  /** The 16-bit requester id that the root logged; 0 where it lost it. */
  readonly sourceId: number;
  /** Status register of the severity's kind; 0 when the source could not be asked (`accessible` false). */
  readonly status: number;
  readonly mask: number;
  /** Uncorrectable status bits that count as advisory non-fatal errors; only with correctable errors. */
  readonly advisory: number;
  /** Bit number of the first uncorrectable error, 0–31. */
  readonly firstError?: number;
  /** The logged TLP header, four double words, first one first. */
  readonly headerLog?: readonly number[];
  /** False: a fatal error of a function whose link may be down; its registers were not read. */
  readonly accessible: boolean;
}

/** An error as the AER platform reports it. */
export type AerEvent = ErrorEvent<AerRecord>;

import { type Bdf, type ErrorEvent } from '@pci-recovery/core';

/** By what an error of a passed-through device became known. The kernel's signal itself says neither severity nor source. */
export type AerEvidence =
  /** The trace event `ras:aer_event`. */
  | 'trace'
  /** AER counters in sysfs moved. */
  | 'counters'
  /** Status registers of a held function. */
  | 'status'
  /** The host recovers it, or it does not answer: taken for fatal, since nothing says that it is not. */
  | 'recovery'
  /** None at all: somebody signalled, and everything is as it was. */
  | 'none';

/** What the Linux adapters know of an error. */
export interface AerLinuxRecord {
  /**
   * By what it became known first. `signal`: of an ERR eventfd; `uevent`: the host began to recover; `survey`: found broken; `kernel`: the
   * kernel reported it to whoever listens.
   */
  readonly origin: 'signal' | 'uevent' | 'survey' | 'kernel';
  /** The root port above, whose errors the kernel handles one after the other. */
  readonly root?: Bdf;
  readonly severity: 'correctable' | 'nonfatal' | 'fatal' | 'informative';
  readonly evidence: AerEvidence;
  /** The functions that detected it, as far as known. A sibling's error, or a port's above, concerns a function just as well. */
  readonly sources: readonly Bdf[];
  /** The kernel's names of the errors; a fatal one of an endpoint has none. */
  readonly errors: readonly string[];
  /** The logged TLP header, four double words, where the kernel told it. */
  readonly tlpHeader?: readonly number[];
  /** The functions whose error this is for us. */
  readonly concerns: readonly Bdf[];
}

/** An error as the Linux adapters report it. */
export type AerLinuxEvent = ErrorEvent<AerLinuxRecord>;

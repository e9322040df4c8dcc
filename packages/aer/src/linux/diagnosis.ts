import { type Bdf } from '@pci-recovery/core';
import { type AerTraceEvent } from '@pci-recovery/core/linux';
import { type Moved } from './counters.js';
import { type AerEvidence } from './record.js';

/** What is known of an error. */
export interface Diagnosis {
  readonly severity: 'nonfatal' | 'fatal';
  readonly evidence: AerEvidence;
  readonly sources: readonly Bdf[];
  readonly errors: readonly string[];
  readonly tlpHeader?: readonly number[];
}

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];

/**
 * Severity and source from what the kernel counted and traced since the last time: the worst counts, for it decides whether the host
 * resets the link. Undefined: neither says anything.
 */
export function diagnose(moved: readonly Moved[], traced: readonly AerTraceEvent[]): Diagnosis | undefined {
  const uncorrectable = traced.filter(({ severity }) => severity !== 'corrected');
  const all = [...uncorrectable, ...moved];
  if (all.length === 0) return undefined;
  const tlpHeader = uncorrectable.find((event) => event.tlpHeader)?.tlpHeader;
  return {
    severity: all.some(({ severity }) => severity === 'fatal') ? 'fatal' : 'nonfatal',
    evidence: uncorrectable.length > 0 ? 'trace' : 'counters',
    sources: unique(all.map(({ bdf }) => bdf)),
    errors: unique(all.flatMap(({ errors }) => errors)),
    ...(tlpHeader ? { tlpHeader } : {}),
  };
}

import { type Plain } from '@pci-recovery/core';

/** One line of machine-readable output. */
export interface JsonEvent {
  /** ISO 8601, UTC. */
  readonly timestamp: string;
  /** Who says it: `pci-recovery simulate aer`. */
  readonly source: string;
  readonly event: string;
  readonly properties: Readonly<Record<string, Plain | undefined>>;
}

/** One line without its newline. `wall`: milliseconds since 1970-01-01 UTC. */
export function jsonLine(wall: number, source: string, event: string, properties: JsonEvent['properties']): string {
  const line: JsonEvent = { timestamp: new Date(wall).toISOString(), source, event, properties };
  return JSON.stringify(line);
}

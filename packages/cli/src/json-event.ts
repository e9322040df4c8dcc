import { type Clock, type EngineEvent, type Plain } from '@pci-recovery/core';

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

/** What an engine reports, as one line: at the time when it happened, by the engine's clock. */
export const engineEventLine = (event: EngineEvent, source: string, clock: Clock): string =>
  jsonLine(wallOf(event, clock.wall(), clock.monotonic()), source, event.type, plainEvent(event));

/** When an event happened, as wall time: traces and errors have their own monotonic times. */
function wallOf(event: EngineEvent, wallNow: number, monotonicNow: number): number {
  const time =
    event.type === 'trace'
      ? event.entry.time
      : event.type === 'ended'
        ? event.outcome.endedAt
        : 'event' in event
          ? event.event.monotonic
          : monotonicNow;
  return wallNow - Math.round((monotonicNow - time) / 1e6);
}

/** An event as plain data: sets become lists, errors sentences, and an outcome does not repeat its trace. */
function plainEvent(event: EngineEvent): Readonly<Record<string, Plain>> {
  const { type: _, ...properties } =
    event.type === 'ended' ? { ...event, outcome: { ...event.outcome, trace: [] } } : event;
  return JSON.parse(JSON.stringify(properties, (_key, value: unknown) => toPlain(value))) as Readonly<
    Record<string, Plain>
  >;
}

function toPlain(value: unknown): unknown {
  if (value instanceof Set) return [...(value as Set<unknown>)];
  if (value instanceof Error) return value.message;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return value;
}

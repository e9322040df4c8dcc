import { type DeviceRef } from './device.js';

/** How bad it is, in words that every platform has. The platform's own word is in the record. */
export type Severity = 'informative' | 'correctable' | 'nonfatal' | 'fatal';

/** One error, as a platform reports it. */
export interface ErrorEvent<Record = unknown> {
  /** Name of the platform that reports it. */
  readonly platform: string;
  /** Counts this platform's events from 0. */
  readonly sequence: number;
  /** When it was seen: nanoseconds on the platform's monotonic clock. */
  readonly monotonic: number;
  /** When it was seen: milliseconds since 1970-01-01 UTC. */
  readonly wall: number;
  readonly severity: Severity;
  /** The function that detected the error. */
  readonly device: DeviceRef;
  /** The decoded record; its shape is the platform's. Opaque to the core. */
  readonly record: Record;
  /** The bytes that were decoded, where there were any. */
  readonly raw?: Uint8Array;
}

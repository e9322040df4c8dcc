import { type Clock, type DeviceRef } from '@pci-recovery/core';
import { type ZpciEvent, type ZpciRecord } from '../record.js';

/** Makes events of what was found out about errors, numbered in the order in which that was. */
export class EventMaker {
  readonly #platform: string;
  readonly #clock: Clock;
  #next = 0;

  /** @param platform its name. */
  constructor(platform: string, clock: Clock) {
    this.#platform = platform;
    this.#clock = clock;
  }

  /** The number of the next event. */
  get next(): number {
    return this.#next;
  }

  /** `raw`: the bytes of the record, where there are any. */
  make({ bdf, generation }: DeviceRef, record: ZpciRecord, raw?: Uint8Array): ZpciEvent {
    const event = {
      platform: this.#platform,
      sequence: this.#next++,
      monotonic: this.#clock.monotonic(),
      wall: this.#clock.wall(),
      severity: record.class === 'measurement' ? ('informative' as const) : ('fatal' as const),
      device: { bdf, generation },
      record,
    };
    return raw ? { ...event, raw } : event;
  }
}

import { type Clock, type DeviceRef, type ErrorEvent } from '@pci-recovery/core';
import { type AerLinuxEvent, type AerLinuxRecord } from './record.js';

/** Makes events of one platform: numbered, with the time of now. */
export class EventMaker {
  readonly #platform: string;
  readonly #clock: Clock;
  #sequence = 0;

  constructor(platform: string, clock: Clock) {
    this.#platform = platform;
    this.#clock = clock;
  }

  make(severity: ErrorEvent['severity'], device: DeviceRef, record: AerLinuxRecord): AerLinuxEvent {
    return {
      platform: this.#platform,
      sequence: this.#sequence++,
      monotonic: this.#clock.monotonic(),
      wall: this.#clock.wall(),
      severity,
      device,
      record,
    };
  }
}

import { type Clock } from '../contract/clock.js';
import { type ErrorEvent } from '../contract/event.js';
import { type RecoveryPlatform } from '../contract/platform.js';
import { type RecoveryPolicy } from '../contract/policy.js';
import { type Attachments } from './attachments.js';
import { callWithin, deadlineOf } from './deadline.js';
import { type Observers } from './observers.js';

/** Has errors that start no recovery acknowledged at the hardware, and their functions told (R1.2). */
export class Recorder {
  readonly #policy: RecoveryPolicy;
  readonly #clock: Clock;
  readonly #attachments: Attachments;
  readonly #observers: Observers;
  readonly #pending = new Set<Promise<void>>();

  constructor(policy: RecoveryPolicy, clock: Clock, attachments: Attachments, observers: Observers) {
    this.#policy = policy;
    this.#clock = clock;
    this.#attachments = attachments;
    this.#observers = observers;
  }

  /** Resolves when it is done. What fails is reported. */
  async record(platform: RecoveryPlatform, event: ErrorEvent): Promise<void> {
    const recorded = this.#acknowledge(platform, event).catch((error: unknown) =>
      this.#observers.emit({ type: 'trouble', where: 'corErrorDetected', error }),
    );
    this.#pending.add(recorded);
    await recorded;
    this.#pending.delete(recorded);
  }

  /** Resolves when everything is done that was begun before. */
  async idle(): Promise<void> {
    await Promise.all(this.#pending);
  }

  async #acknowledge(platform: RecoveryPlatform, event: ErrorEvent): Promise<void> {
    const deadline = deadlineOf(this.#policy, this.#observers, event.device, 'corErrorDetected');
    const tell = (): Promise<void> =>
      callWithin(this.#clock, deadline, () => this.#attachments.of(event.device, platform)?.corErrorDetected?.(event));
    if (platform.acknowledge) await platform.acknowledge(event, tell);
    else await tell();
  }
}

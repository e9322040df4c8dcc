import { type DeviceRef } from '../contract/device.js';
import { type ErrorEvent } from '../contract/event.js';
import { type CallbackContext } from '../contract/handlers.js';

/** A callback's context whose abort signal costs nothing unless somebody looks at it. */
export class LazyCallbackContext implements CallbackContext {
  readonly device: DeviceRef;
  readonly event: ErrorEvent;
  readonly recovery: number;
  #controller: AbortController | undefined;
  #reason: unknown;
  #aborted = false;

  constructor(device: DeviceRef, event: ErrorEvent, recovery: number) {
    this.device = device;
    this.event = event;
    this.recovery = recovery;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}

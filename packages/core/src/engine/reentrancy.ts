import { AsyncLocalStorage } from 'node:async_hooks';
import { type Bdf } from '../bdf.js';

/** What a callback runs inside of: enough to see that it would wait for itself. */
export interface CallbackFrame {
  /** Whether the recovery that the callback belongs to is still running and holds this address. */
  holds(bdf: Bdf): boolean;
}

/** Follows callbacks through everything that they call or await. */
export class CallbackFrames {
  readonly #storage = new AsyncLocalStorage<CallbackFrame>();

  run<T>(frame: CallbackFrame, call: () => T): T {
    return this.#storage.run(frame, call);
  }

  /** The callback that the current code was called from, if any. */
  current(): CallbackFrame | undefined {
    return this.#storage.getStore();
  }
}

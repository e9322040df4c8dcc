import { AsyncLocalStorage } from 'node:async_hooks';
import { type Bdf } from '../bdf.js';

/** What a callback runs inside of: enough to see that it would wait for itself. */
export interface CallbackFrame {
  /** Whether the recovery that the callback belongs to is still running and holds this address. */
  holds(bdf: Bdf): boolean;
}

/** A frame, whose engine it belongs to, and the frame that it was entered from. */
interface Nested {
  readonly owner: CallbackFrames;
  readonly frame: CallbackFrame;
  readonly outer: Nested | undefined;
}

/**
 * One for the process: before node 24 every storage that was ever used stays registered, and each slows down the making
 * of every promise. An engine of its own would leave one behind.
 */
const storage = new AsyncLocalStorage<Nested>();

/** Follows one engine's callbacks through everything that they call or await. */
export class CallbackFrames {
  run<T>(frame: CallbackFrame, call: () => T): T {
    return storage.run({ owner: this, frame, outer: storage.getStore() }, call);
  }

  /** The callbacks of this engine that the current code was called from, if any: it waits for all of them. */
  current(): CallbackFrame | undefined {
    const frames: CallbackFrame[] = [];
    for (let nested = storage.getStore(); nested; nested = nested.outer) {
      if (nested.owner === this) frames.push(nested.frame);
    }
    return frames.length === 0 ? undefined : { holds: (bdf) => frames.some((frame) => frame.holds(bdf)) };
  }
}

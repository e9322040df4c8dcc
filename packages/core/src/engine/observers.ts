import diagnostics from 'node:diagnostics_channel';
import { type EngineEvent } from '../contract/engine-event.js';
import { isThenable } from './callback.js';
import { unawaited } from './floating.js';

/** Every {@link EngineEvent} of every engine in the process is published here, for tracing tools. */
export const ENGINE_CHANNEL = 'pci-recovery:engine';

type Listener = (event: EngineEvent) => void;

/** Whoever is disposed of while an event is told hears nothing more of it. */
interface Entry {
  readonly listener: Listener;
  disposed: boolean;
}

/** Hands events to listeners; one that throws disturbs neither the recovery nor the other listeners. */
export class Observers {
  /** A new list with every change: who is told goes through one of them to its end. */
  #listeners: readonly Entry[] = [];
  readonly #channel = diagnostics.channel(ENGINE_CHANNEL);

  add(listener: Listener): Disposable {
    const entry: Entry = { listener, disposed: false };
    this.#listeners = [...this.#listeners, entry];
    return {
      [Symbol.dispose]: () => {
        entry.disposed = true;
        this.#listeners = this.#listeners.filter((other) => other !== entry);
      },
    };
  }

  /** Whether anybody would notice: lets callers save building an event. */
  get any(): boolean {
    return this.#listeners.length > 0 || this.#channel.hasSubscribers;
  }

  emit(event: EngineEvent): void {
    for (const entry of this.#listeners) {
      if (entry.disposed) continue;
      try {
        const returned: unknown = entry.listener(event);
        if (isThenable(returned)) unawaited(returned, (error) => this.#failed(event, error));
      } catch (error) {
        this.#failed(event, error);
      }
    }
    if (this.#channel.hasSubscribers) this.#channel.publish(event);
  }

  /** Who fails at trouble is told to nobody: it would go on for ever. */
  #failed({ type }: EngineEvent, error: unknown): void {
    if (type !== 'trouble') this.emit({ type: 'trouble', where: `an observer of "${type}"`, error });
  }
}

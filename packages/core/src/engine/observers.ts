import diagnostics from 'node:diagnostics_channel';
import { type EngineEvent } from '../contract/engine-event.js';

/** Every {@link EngineEvent} of every engine in the process is published here, for tracing tools. */
export const ENGINE_CHANNEL = 'pci-recovery:engine';

type Listener = (event: EngineEvent) => void;

/** Hands events to listeners; one that throws disturbs neither the recovery nor the other listeners. */
export class Observers {
  readonly #listeners = new Set<{ readonly listener: Listener }>();
  readonly #channel = diagnostics.channel(ENGINE_CHANNEL);

  add(listener: Listener): Disposable {
    const entry = { listener };
    this.#listeners.add(entry);
    return { [Symbol.dispose]: () => void this.#listeners.delete(entry) };
  }

  /** Whether anybody would notice: lets callers save building an event. */
  get any(): boolean {
    return this.#listeners.size > 0 || this.#channel.hasSubscribers;
  }

  emit(event: EngineEvent): void {
    for (const entry of this.#listeners) {
      try {
        entry.listener(event);
      } catch (error) {
        if (event.type !== 'trouble') this.emit({ type: 'trouble', where: `an observer of "${event.type}"`, error });
      }
    }
    if (this.#channel.hasSubscribers) this.#channel.publish(event);
  }
}

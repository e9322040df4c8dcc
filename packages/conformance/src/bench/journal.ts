import {
  type Bdf,
  type CallbackContext,
  type ChannelState,
  type ErrorEvent,
  type Telling,
  type Voting,
} from '@pci-recovery/core';

/** One call of a scripted callback. */
export interface JournalEntry {
  readonly name: string;
  readonly callback: Voting | Telling;
  readonly channel: ChannelState;
  readonly bdf: Bdf;
  readonly generation: number;
  readonly recovery: number;
  /** Number of the event that the callback was given. */
  readonly sequence: number;
  /** How many facts the witness had seen at that moment: what happened before and what after. */
  readonly facts: number;
  /** Nanoseconds. */
  readonly time: number;
}

/** What scripted drivers noted. */
export interface Journal {
  readonly entries: readonly JournalEntry[];
  /** Corrected errors that functions were told of. */
  readonly corrected: readonly { readonly name: string; readonly event: ErrorEvent }[];
}

/** Writes a journal. */
export class JournalWriter implements Journal {
  readonly entries: JournalEntry[] = [];
  readonly corrected: { name: string; event: ErrorEvent }[] = [];
  readonly #facts: () => number;
  readonly #time: () => number;

  constructor(facts: () => number, time: () => number) {
    this.#facts = facts;
    this.#time = time;
  }

  called(name: string, callback: Voting | Telling, context: CallbackContext, channel: ChannelState): JournalEntry {
    const { device, recovery, event } = context;
    const entry: JournalEntry = {
      name,
      callback,
      channel,
      bdf: device.bdf,
      generation: device.generation,
      recovery,
      sequence: event.sequence,
      facts: this.#facts(),
      time: this.#time(),
    };
    this.entries.push(entry);
    return entry;
  }
}

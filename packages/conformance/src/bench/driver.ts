import {
  CALLBACKS,
  wait,
  type Awaitable,
  type CallbackContext,
  type ChannelState,
  type Clock,
  type ErsResult,
  type PciErrorHandlers,
  type Telling,
  type Voting,
} from '@pci-recovery/core';
import { behaviourOf, type Behaviour, type DriverScript } from '../law/script.js';
import { type JournalEntry, type JournalWriter } from './journal.js';

/** The deadline of every callback in the suite, milliseconds. */
export const DEADLINE_MS = 1000;

/** Runs inside a callback, before its answer. */
export type Interlude = (entry: JournalEntry) => Awaitable<void>;

/** The handlers of a scripted driver: they note that they were called, then do as the script says. */
export function scriptedHandlers(
  name: string,
  driver: DriverScript,
  around: { journal: JournalWriter; clock: Clock; interlude: Interlude },
): PciErrorHandlers {
  const handlers: Record<string, unknown> = {
    corErrorDetected: (event: Parameters<NonNullable<PciErrorHandlers['corErrorDetected']>>[0]) =>
      void around.journal.corrected.push({ name, event }),
  };
  for (const callback of CALLBACKS) {
    const behaviour = behaviourOf(driver, callback);
    if (behaviour !== 'absent') handlers[callback] = callbackOf(name, callback, behaviour, around);
  }
  return handlers;
}

function callbackOf(
  name: string,
  callback: Voting | Telling,
  behaviour: Behaviour,
  { journal, clock, interlude }: Parameters<typeof scriptedHandlers>[2],
) {
  return (context: CallbackContext, channel: ChannelState): unknown => {
    const entry = journal.called(name, callback, context, channel);
    const pause = interlude(entry);
    return pause instanceof Promise ? pause.then(() => act(behaviour, clock)) : act(behaviour, clock);
  };
}

function act(behaviour: Behaviour, clock: Clock): unknown {
  if (typeof behaviour === 'object') return wait(clock, 10 * DEADLINE_MS).then((): ErsResult => behaviour.late);
  switch (behaviour) {
    case 'throws':
      throw new Error('The scripted driver throws.');
    case 'rejects':
      return Promise.reject(new Error('The scripted driver rejects.'));
    case 'overruns':
      return new Promise(() => undefined);
    case 'nonsense':
      return 'perhaps';
    case 'told':
      return undefined;
    default:
      return behaviour;
  }
}

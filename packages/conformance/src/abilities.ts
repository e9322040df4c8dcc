import { type Ability, type Subject } from './harness.js';

/** The method of a subject that each ability needs. */
export const METHODS = {
  unplug: 'unplug',
  replug: 'replug',
  garble: 'garble',
  probe: 'lets',
  unreported: 'injectUnreported',
  hold: 'hold',
} as const satisfies Record<Ability, keyof Subject>;

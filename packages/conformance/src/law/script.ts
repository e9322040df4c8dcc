import { type ErsResult, type Telling, type Voting } from '@pci-recovery/core';

/**
 * What a scripted driver does when it is called. `throws`: at once; `rejects`: by its promise; `overruns`: never answers;
 * `late`: answers that vote long after its deadline; `nonsense`: answers something that is no vote; `absent`: the
 * driver has no such callback; `told`: does what it is told.
 */
export type Behaviour =
  ErsResult | 'told' | 'throws' | 'rejects' | 'overruns' | 'nonsense' | 'absent' | { readonly late: ErsResult };

/** Behaviours that are failures. */
export const FAULTS = ['throws', 'rejects', 'overruns', 'nonsense'] as const satisfies readonly Behaviour[];

/** One function's driver. What is not named: votes `can_recover`, `recovered`, `recovered`, and is told. */
export type DriverScript = Partial<Readonly<Record<Voting | Telling, Behaviour>>>;

/** The drivers of a machine by function name; `null`: no driver. What is not named: an endpoint has a default one. */
export type Script = Readonly<Record<string, DriverScript | null>>;

const DEFAULTS: Readonly<Record<Voting | Telling, Behaviour>> = {
  errorDetected: 'can_recover',
  mmioEnabled: 'recovered',
  slotReset: 'recovered',
  resetPrepare: 'told',
  resetDone: 'told',
  resume: 'told',
};

/** What a driver does. */
export const behaviourOf = (driver: DriverScript, callback: Voting | Telling): Behaviour =>
  driver[callback] ?? DEFAULTS[callback];

/** Whether it is a failure, whatever its time and kind. */
export const isFault = (behaviour: Behaviour): boolean =>
  typeof behaviour === 'object' || (FAULTS as readonly Behaviour[]).includes(behaviour);

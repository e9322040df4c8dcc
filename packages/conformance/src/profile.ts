import {
  type Arrival,
  type ChannelState,
  type ErsResult,
  type Extent,
  type RecoveryResult,
  type Severity,
  type Telling,
  type Voting,
} from '@pci-recovery/core';
import { type FactKind } from './fact.js';

/** Which functions of a scope a callback reaches. `answered_before`: only those whose `error_detected` was called. */
export type Reach = 'everybody' | 'answered_before';

/** What a function counts as that is walked but has no such callback. */
export type Missing = ErsResult | 'abstains';

/** A walk that asks for votes, folds them in walk order, and goes where the merged vote says. */
export interface VoteStage {
  readonly do: 'vote';
  readonly callback: Voting;
  /** What the callback is given. */
  readonly channel: ChannelState;
  /** The channel state that every walked function has from here on; absent: it is left as it is. */
  readonly sets?: ChannelState;
  readonly reaches: Reach;
  /** The vote that folding starts from. */
  readonly start: ErsResult;
  readonly missing: { readonly endpoint: Missing; readonly bridge: Missing };
  /** The merged vote → the next stage. */
  readonly next: Readonly<Record<ErsResult, string>>;
}

/** A walk whose answers change nothing. */
export interface TellStage {
  readonly do: 'tell';
  readonly callback: Voting | Telling;
  readonly channel: ChannelState;
  readonly sets?: ChannelState;
  readonly reaches: Reach;
  readonly next: string;
}

/**
 * Whom an act touches. `detector_unless_reset`: the detecting function, but where a reset reached it, that has done it
 * already and nothing is seen. `stopped`: whom the error stopped ({@link Layout.stops}). `out`: who is unplugged now;
 * `present`: everybody else of the scope.
 */
export type Touched = 'reset_set' | 'scope' | 'detector' | 'detector_unless_reset' | 'stopped' | 'out' | 'present';

/** Something that the platform does to its hardware. */
export interface ActStage {
  readonly do: 'act';
  /** The law's name of it; what a harness can let fail goes by this name too. */
  readonly act: string;
  /** What an independent witness sees of it, and of whom; absent: nothing. */
  readonly evidence?: {
    readonly kind: FactKind;
    readonly of: Touched;
    /** The kind of a reset, as the witness names it. */
    readonly how?: string;
  };
  /**
   * How often it is tried before it counts as failed. Tries that fail show nowhere; `unseen`: they show, in one way or
   * another, so that it is let fail always or never. Default: once.
   */
  readonly tries?: number | 'unseen';
  readonly sets?: ChannelState;
  /**
   * Functions that are unplugged and plugged in again by it: they are strangers for the rest of the recovery.
   * `insensitive`: those without `errorDetected` or without `slotReset`.
   */
  readonly replugs?: 'everybody' | 'insensitive';
  /** Those that an earlier act has unplugged are plugged in by this one. Default: by the same act. */
  readonly returns?: true;
  /** Everybody who is still there leaves for good, and is no member of the scope any more. */
  readonly removes?: true;
  /** Without this capability of the scope the act is left out, and the law goes on elsewhere. */
  readonly needs?: { readonly capability: string; readonly otherwise: string };
  readonly ok: string;
  readonly failed: string;
}

/** User space is told the same about every function of the scope, between two other stages. */
export interface SayStage {
  readonly do: 'say';
  readonly uevent: string;
  readonly next: string;
}

/** How it ends, and who may be used again: everybody left whose callbacks did not fail, or nobody. */
export interface EndStage {
  readonly do: 'end';
  readonly result: RecoveryResult;
  readonly usable: 'sound' | 'nobody';
}

/** One row of a platform's law. */
export type Stage = VoteStage | TellStage | ActStage | SayStage | EndStage;

/** An incident that starts a recovery, and the law that it follows. */
export interface RecoveringIncident {
  readonly severity: Severity;
  readonly recovers: true;
  readonly stages: Readonly<Record<string, Stage>>;
  readonly first: string;
  /** The kinds of functions that can detect it. Default: all. */
  readonly detectors?: readonly LayoutFunction['kind'][];
  /** Where a recovery goes that is given up before anything happened. */
  readonly givenUp: string;
  /** Where it differs from {@link PlatformProfile.arrivals}. */
  readonly arrival?: Partial<Readonly<Record<Extent, Arrival>>>;
  /** Where it differs from {@link PlatformProfile.reports}: how it is reported while its scope is being recovered. */
  readonly reported?: PlatformProfile['reports']['recovering'];
}

/** An incident that is recorded only. */
export interface RecordedIncident {
  readonly severity: Severity;
  readonly recovers: false;
  /** The function's `cor_error_detected` runs. */
  readonly told: boolean;
  /** What a witness sees of the acknowledgement, at the detecting function. */
  readonly evidence?: FactKind;
  readonly detectors?: readonly LayoutFunction['kind'][];
}

export type Incident = RecoveringIncident | RecordedIncident;

/** The votes of a driver that the platform brings itself (a switch port's). */
export interface OwnDriver {
  readonly errorDetected: Readonly<Record<Exclude<ChannelState, 'perm_failure'>, ErsResult>>;
  readonly mmioEnabled?: ErsResult;
  readonly slotReset?: ErsResult;
  /** Its `slotReset` restores configuration, which clears the function's own error status, given this capability. */
  readonly slotResetClears?: { readonly given: string };
}

/** A function of a layout. */
export interface LayoutFunction {
  /** `bridge`: it has a bridge header (type 1). */
  readonly kind: 'endpoint' | 'bridge';
  readonly ownDriver?: OwnDriver;
}

/**
 * A small machine, by names instead of addresses. The suite knows these layouts; a profile has those that its platform
 * can have:
 *
 * - `single`: one endpoint `a`;
 * - `pair`: endpoints `a`, `b` in one scope; `triple`: also `c`;
 * - `disjoint`: endpoints `a` and `b` in scopes that have nothing in common;
 * - `bridge`: endpoint `a` and at least one bridge without any driver in the scope of the detector `top`;
 * - `nested`: endpoints `a` and `b` with scopes of their own, both inside the scope of the detector `top`, which also
 *   holds the bridges between, with their own drivers where the platform brings some.
 */
export interface Layout {
  readonly functions: Readonly<Record<string, LayoutFunction>>;
  /** Detecting function → whom its recovery concerns, in walk order. */
  readonly scopes: Readonly<Record<string, readonly string[]>>;
  /** Detecting function → whom a reset of that scope really resets. Default: the endpoints and bridges of the scope. */
  readonly resets?: Readonly<Record<string, readonly string[]>>;
  /** Detecting function → whom its error stops, and whom a thaw lets go again. Default: the scope. */
  readonly stops?: Readonly<Record<string, readonly string[]>>;
  /** Incidents that concern, reset or stop others than the rest of the layout says. */
  readonly incidents?: Readonly<Record<string, Partial<Pick<Layout, 'scopes' | 'resets' | 'stops'>>>>;
  /** Detecting function → its lane; recoveries of one lane never run at the same time. */
  readonly lanes: Readonly<Record<string, string>>;
}

/** A layout as one incident has it. */
export const layoutFor = (layout: Layout, incident: string): Layout => ({ ...layout, ...layout.incidents?.[incident] });

/** What user space is told about a recovery (Linux `pci_uevent_ers`). */
export interface UeventLaw {
  /** The vote of `error_detected` → the uevent; null: none. */
  readonly detected: Readonly<Record<ErsResult, string | null>>;
  /** With the walks of `resume` and of `perm_failure`; null: none. */
  readonly resume: string | null;
  readonly permFailure: string | null;
  /** Functions that are walked without being called send one too. */
  readonly uncalled: boolean;
}

/** More recoveries than this are too many: the next ends by the failure path. */
export interface RepetitionLimit {
  /** The recovery with this number is the first that fails. */
  readonly count: number;
  readonly windowMs: number;
  readonly window: 'sliding' | 'first';
}

/** What holds for functions that somebody beyond this host's drivers holds (a guest's, through VFIO). */
export interface HeldLaw {
  /** Incident → the stage where a recovery of a held function begins; null: its error is not reported at all. */
  readonly own: Readonly<Record<string, string | null>>;
  /** In a recovery of others it is neither called nor handed back. What it is after a reset that reached it. */
  readonly leftAlone?: 'stopped_after_reset' | 'running_after_reset';
  /** So many records of its errors are kept for its holder, and when there are more, the oldest ones. */
  readonly recordsKept?: number;
}

/**
 * A platform's law as data, written by hand from the kernel's sources and never generated from a procedure: the suite
 * holds the procedure against it.
 */
export interface PlatformProfile {
  /** Identifies the law in reports. */
  readonly name: string;
  /** Where the law was read. */
  readonly source: string;
  /** Votes so far → new vote → merged vote. A platform without merging has rows that take the new vote. */
  readonly merge: Readonly<Record<ErsResult, Readonly<Record<ErsResult, ErsResult>>>>;
  /** What a callback counts as that threw, overran its deadline or answered nonsense. */
  readonly fault: ErsResult;
  readonly incidents: Readonly<Record<string, Incident>>;
  readonly layouts: Readonly<Record<string, Layout>>;
  readonly arrivals: {
    readonly order: 'fifo' | 'lifo';
    /** What becomes of an error that meets a running recovery, by how its scope lies to that one's. */
    readonly law: Readonly<Record<Extent, Arrival>>;
  };
  /**
   * How errors are reported that come at the same moment (`burst`), or one by one while their scope is being recovered.
   * `each`: every one is an event. `coalesced`: at least one event follows the last of them. `counted`: no event for an
   * error whose scope is being recovered, or lies inside such a scope; of a burst, at least the first one.
   */
  readonly reports: {
    readonly burst: 'each' | 'coalesced' | 'counted';
    readonly recovering: 'each' | 'coalesced' | 'counted';
  };
  /** After a failed recovery: the next error is recovered as if nothing had been, or the function stays lost. */
  readonly afterFailure: 'again' | 'lost';
  /** Incidents that a survey finds when their report was missed. */
  readonly surveyFinds: readonly string[];
  /** Events carry the bytes that they were decoded from. */
  readonly raw: boolean;
  readonly uevents?: UeventLaw;
  readonly repetitionLimit?: RepetitionLimit;
  /** An error that waited while its function was reset is dropped: it tells of the time before. Default: it is recovered. */
  readonly dropsOvertaken?: true;
  readonly held?: HeldLaw;
  /** A function of the scope that nobody has, no driver and no holder, makes the recovery of all the others fail. */
  readonly orphansSink?: true;
}

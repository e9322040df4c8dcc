import {
  type Awaitable,
  type Bdf,
  type Clock,
  type EngineOptions,
  type RecoveryEngine,
  type RecoveryPlatform,
} from '@pci-recovery/core';
import { type FactKind, type WitnessFact } from './fact.js';
import { type PlatformProfile } from './profile.js';

/** Time that the suite moves. `VirtualClock` of `@pci-recovery/core/testing` is one. */
export interface DrivenClock extends Clock {
  /** How many timers are waiting. */
  readonly pending: number;
  /** Lets time pass as needed until `promise` settles; rejects when nothing can happen any more. */
  drive<T>(promise: Promise<T>): Promise<T>;
}

/** What a subject can be asked for beyond errors. */
export type Ability =
  /** `unplug()`: a function can leave. */
  | 'unplug'
  /** `replug()`: a function can be replaced by another at its address. */
  | 'replug'
  /** `garble()`: reports that make no sense can be produced. */
  | 'garble'
  /** `lets()`: one can look whether the hardware lets a function's accesses through. */
  | 'probe'
  /** `injectUnreported()`: an error can be there without any report of it. */
  | 'unreported'
  /** `hold()`: somebody beyond this host's drivers can take a function (it is passed through). */
  | 'hold';

/** What the hardware lets through at a function, whatever anybody says about it. */
export interface Lets {
  /** Register accesses reach it. */
  readonly access: boolean;
  /** Its DMA is not stopped. */
  readonly dma: boolean;
}

/** What a real machine says of one of its functions, by ways that do not go through the backend. */
export interface LiveLook {
  /** How often each incident of the law was counted at it. What is not named is not counted here. */
  readonly counted: Readonly<Record<string, number>>;
  /** Its registers show an error that nobody has cleared. */
  readonly marked: boolean;
}

/**
 * A real machine: its errors are real ones, its functions do something, and everything takes its time. The suite never
 * drives its clock. Whatever is said here must come from the machine itself (its kernel's log, counters, registers), never from
 * platform or engine.
 */
export interface LiveSubject {
  /**
   * Lets the hardware have an error. Resolves when it has it, whatever becomes of it.
   * @throws PciRecoveryError when there is no such incident, or not there.
   */
  inject(incident: string, at: string): Awaitable<void>;
  /** Resolves when everything that the machine has told so far has come to the witness. */
  settled(): Awaitable<void>;
  look(at: string): Awaitable<LiveLook>;
  /** What a driver does with a function that has lost its state: sets it up from its reset on. */
  setUp(at: string): Awaitable<void>;
  /** A real request of the function's own kind, as it is set up. True: it was completed, and its interrupt came. */
  request(at: string): Awaitable<boolean>;
  /** How many descriptors the program with the backend has open. */
  descriptors(): Awaitable<number>;
  /**
   * The platform ends, as when its program does, and another one begins with the same functions. The subject's disposal ends that
   * one too.
   */
  restart(): Awaitable<RecoveryPlatform>;
  /** Begins to take a function away, and puts it back before the next subject is made. Resolves when it has begun. */
  unplug(at: string): Awaitable<void>;
  /** Nobody has the function any more, neither a driver nor the backend; it stays where it is. Only where the law speaks of it. */
  orphan?(at: string): Awaitable<void>;
}

/** What a {@link Subject} is made for. */
export interface SubjectOptions {
  /** A key of the profile's `layouts`. */
  readonly layout: string;
  /** Capabilities that the machine shall not have. Only those that {@link Harness.lacks} names. */
  readonly lacking?: readonly string[];
}

/** A machine under test, with one platform on it. Made anew for every row of every case. */
export interface Subject extends AsyncDisposable {
  readonly platform: RecoveryPlatform;
  readonly clock: DrivenClock;
  /** The layout's functions by name: where each one is. */
  readonly functions: Readonly<Record<string, Bdf>>;
  /**
   * Lets the hardware have an error, so that the platform can find it by itself.
   * @throws PciRecoveryError when there is no such incident, or not there.
   */
  inject(incident: string, at: string): void;
  /** The same, but its report gets lost: only a survey finds it. @throws as {@link Subject.inject} */
  injectUnreported?(incident: string, at: string): void;
  /** Everything that happened on the bus so far, in order: it only grows. */
  witness(): readonly WitnessFact[];
  /** Lets the next attempts at an act of the law fail at the hardware. Only acts that {@link Harness.breaks} names. */
  breakNext?(act: string, times: number): void;
  /** Takes a function out. */
  unplug?(at: string): void;
  /** Takes a function out and puts another in its place. */
  replug?(at: string): void;
  /** Lets the hardware report something that makes no sense; `seed`: which nonsense, 0 or more. */
  garble?(seed: number): void;
  /** Looks at the hardware itself, and changes nothing. */
  lets?(at: string): Lets;
  /** Somebody takes the function: from now on it is theirs. */
  hold?(at: string): Awaitable<void>;
  /** The holder takes the oldest record that was kept for it; undefined: there is none. Only where the law keeps records. */
  nextRecord?(at: string): Uint8Array | undefined;
  /** Only of a harness that says `live`. */
  readonly live?: LiveSubject;
}

/** How a backend joins the suite. */
export interface Harness {
  /** Shown in reports. */
  readonly name: string;
  readonly profile: PlatformProfile;
  /** What the witness can see. Everything else the law says about the bus stays unproven, and is reported so. */
  readonly sees: readonly FactKind[];
  /** The acts of the law that {@link Subject.breakNext} can let fail. Default: none. */
  readonly breaks?: readonly string[];
  /** Capabilities that a machine can be made without. Default: none. */
  readonly lacks?: readonly string[];
  /** Default: none. */
  readonly abilities?: readonly Ability[];
  /** The layouts of the profile that can be made. Default: all. */
  readonly layouts?: readonly string[];
  /** Its machines are real ones, with {@link Subject.live}: level 4 runs on them, and only that should. */
  readonly live?: true;
  /**
   * Makes a healthy machine.
   * @throws PciRecoveryError for a layout that it does not have.
   */
  create(options: SubjectOptions): Awaitable<Subject>;
  /** Another engine than this project's own. */
  createEngine?(options: EngineOptions): RecoveryEngine;
}

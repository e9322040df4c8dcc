import { type ChannelState, type ErsResult, type RecoveryResult, type Telling, type Voting } from '@pci-recovery/core';
import { ConformanceFailure } from '../failure.js';
import { type FactKind } from '../fact.js';
import {
  layoutFor,
  type ActStage,
  type EndStage,
  type Layout,
  type LayoutFunction,
  type Missing,
  type OwnDriver,
  type PlatformProfile,
  type RecoveringIncident,
  type Stage,
  type TellStage,
  type Touched,
  type VoteStage,
} from '../profile.js';
import { behaviourOf, isFault, type DriverScript, type Script } from './script.js';
import { actToken, callToken, ueventToken } from './token.js';

/** What the law says will happen. Names are those of the layout. */
export interface Expectation {
  /** Callbacks of scripted drivers and evidence on the bus, in order. */
  readonly timeline: readonly string[];
  readonly uevents: readonly string[];
  readonly result: RecoveryResult;
  readonly usable: readonly string[];
  /** The channel state of everybody of the scope afterwards. */
  readonly channels: Readonly<Record<string, ChannelState>>;
  /** The acts that were tried, in order. */
  readonly acts: readonly ActStage[];
}

/** A situation that the law is asked about. */
export interface Situation {
  readonly profile: PlatformProfile;
  readonly layout: string;
  readonly incident: string;
  /** The detecting function. */
  readonly at: string;
  readonly script: Script;
  /** Acts that do not succeed. */
  readonly broken?: ReadonlySet<string>;
  /** Acts of which so many tries fail, and no more. */
  readonly failing?: ReadonlyMap<string, number>;
  /** Functions that somebody holds. */
  readonly held?: readonly string[];
  readonly givenUp?: boolean;
  /** Capabilities that the scope does not have. */
  readonly lacking?: readonly string[];
  /** What the witness can see. */
  readonly sees: readonly FactKind[];
}

/** More stages than any law has. */
const MOST_STAGES = 1000;

/** The incident of a profile that starts a recovery. */
export function recovering(profile: PlatformProfile, name: string): RecoveringIncident {
  const incident = profile.incidents[name];
  if (incident?.recovers) return incident;
  throw new ConformanceFailure(`Profile "${profile.name}" has no incident "${name}" that starts a recovery.`);
}

/** Reads the law's table row by row: what happens, told in tokens. */
export function expectation(situation: Situation): Expectation {
  const incident = recovering(situation.profile, situation.incident);
  const reading = new Reading(situation);
  let name = situation.givenUp ? incident.givenUp : firstStage(situation, incident);
  for (let count = 0; count < MOST_STAGES; count++) {
    const stage: Stage | undefined = incident.stages[name];
    if (!stage) throw new ConformanceFailure(`The law of "${situation.incident}" has no stage "${name}".`);
    if (stage.do === 'end') return reading.end(stage.result, stage.usable === 'sound');
    name = reading.read(stage);
  }
  throw new ConformanceFailure(`The law of "${situation.incident}" goes round in circles.`);
}

/** A held function's own error may begin elsewhere. */
function firstStage({ profile, incident, held, at }: Situation, { first }: RecoveringIncident): string {
  const own = held?.includes(at) ? profile.held?.own[incident] : undefined;
  return own ?? first;
}

class Reading {
  readonly #situation: Situation;
  readonly #layout: Layout;
  readonly #members: readonly string[];
  readonly #timeline: string[] = [];
  readonly #uevents: string[] = [];
  readonly #faulted = new Set<string>();
  readonly #strangers = new Set<string>();
  readonly #called = new Set<string>();
  /** Whose `error_detected` was called. */
  readonly #told = new Set<string>();
  readonly #cleared = new Set<string>();
  readonly #out = new Set<string>();
  readonly #channels: Record<string, ChannelState>;
  /** Who is somebody else's, and left alone. */
  readonly #others: ReadonlySet<string>;
  readonly #acts: ActStage[] = [];
  readonly #failing: Map<string, number>;

  constructor(situation: Situation) {
    this.#situation = situation;
    this.#layout = layoutFor(situation.profile.layouts[situation.layout]!, situation.incident);
    this.#members = this.#layout.scopes[situation.at]!;
    this.#channels = Object.fromEntries(this.#members.map((name) => [name, 'normal']));
    this.#others = new Set(situation.profile.held?.leftAlone ? situation.held : []);
    this.#failing = new Map(situation.failing);
  }

  read(stage: Exclude<Stage, EndStage>): string {
    if (stage.do === 'act') return this.#act(stage);
    if (stage.do === 'say') {
      this.#uevents.push(...this.#members.map((name) => ueventToken(name, stage.uevent)));
      return stage.next;
    }
    const walked = this.#members.filter((name) => this.#reached(name, stage));
    if (stage.do === 'tell') {
      for (const name of walked) this.#ask(name, stage);
      return stage.next;
    }
    const merged = walked.reduce<ErsResult>((sofar, name) => this.#merge(sofar, this.#ask(name, stage)), stage.start);
    return stage.next[merged];
  }

  end(result: RecoveryResult, sound: boolean): Expectation {
    const usable = sound ? this.#members.filter((name) => !this.#faulted.has(name) && !this.#others.has(name)) : [];
    const channels = this.#channels;
    return { timeline: this.#timeline, uevents: this.#uevents, result, usable, channels, acts: this.#acts };
  }

  #reached(name: string, stage: VoteStage | TellStage): boolean {
    if (this.#strangers.has(name) || this.#others.has(name)) return false;
    return stage.reaches === 'everybody' || this.#told.has(name);
  }

  #merge(sofar: ErsResult, vote: Missing): ErsResult {
    return vote === 'abstains' ? sofar : this.#situation.profile.merge[sofar][vote];
  }

  /** One function of a walk: what it counts as, and what can be seen of it. */
  #ask(name: string, stage: VoteStage | TellStage): Missing {
    if (stage.sets) this.#channels[name] = stage.sets;
    const vote = this.#answer(name, stage);
    this.#uevent(name, stage, vote);
    return vote;
  }

  #answer(name: string, stage: VoteStage | TellStage): Missing {
    const own = this.#function(name).ownDriver;
    if (own && !this.#driver(name)) {
      this.#calls(name, stage);
      if (stage.callback === 'slotReset') this.#restored(name, own);
      return ownVote(own, stage) ?? 'abstains';
    }
    if (this.#faulted.has(name)) return 'abstains';
    const driver = this.#driver(name);
    const behaviour = driver ? behaviourOf(driver, stage.callback) : 'absent';
    if (behaviour === 'absent') return stage.do === 'vote' ? stage.missing[this.#function(name).kind] : 'abstains';
    this.#calls(name, stage);
    this.#timeline.push(callToken(name, stage.callback, stage.channel));
    if (!isFault(behaviour)) return behaviour === 'told' ? 'abstains' : (behaviour as ErsResult);
    this.#faulted.add(name);
    return this.#situation.profile.fault;
  }

  #calls(name: string, { callback }: VoteStage | TellStage): void {
    this.#called.add(name);
    if (callback === 'errorDetected') this.#told.add(name);
  }

  #uevent(name: string, stage: VoteStage | TellStage, vote: Missing): void {
    const law = this.#situation.profile.uevents;
    if (!law || (!law.uncalled && !this.#called.has(name))) return;
    const event = ueventOf(law, stage, vote);
    if (event) this.#uevents.push(ueventToken(name, event));
  }

  #act(stage: ActStage): string {
    const { sees, lacking } = this.#situation;
    if (stage.needs && lacking?.includes(stage.needs.capability)) return stage.needs.otherwise;
    if (stage.replugs) for (const name of this.#members) if (this.#replugged(name, stage.replugs)) this.#leave(name);
    this.#acts.push(stage);
    if (this.#fails(stage)) return stage.failed;
    const { evidence } = stage;
    const touched = evidence && sees.includes(evidence.kind) ? this.#evident(evidence) : [];
    if (evidence && touched.length > 0) this.#timeline.push(actToken(evidence.kind, touched));
    this.#done(stage);
    return stage.ok;
  }

  /** Every try uses up one of the failures that are still to come. */
  #fails({ act, tries = 1 }: ActStage): boolean {
    if (this.#situation.broken?.has(act)) return true;
    const left = this.#failing.get(act) ?? 0;
    const used = Math.min(left, tries === 'unseen' ? left : tries);
    this.#failing.set(act, left - used);
    return used > 0 && used === tries;
  }

  /** What an act that succeeded leaves behind. */
  #done({ sets, returns, removes }: ActStage): void {
    if (sets) for (const name of this.#members) this.#channels[name] = sets;
    if (returns) this.#out.clear();
    if (removes) for (const name of this.#members) delete this.#channels[name];
  }

  /** Only where an error was detected there is a status to clear. */
  #restored(name: string, { slotResetClears }: OwnDriver): void {
    const { at, lacking, sees } = this.#situation;
    if (!slotResetClears || name !== at || lacking?.includes(slotResetClears.given)) return;
    this.#cleared.add(name);
    if (sees.includes('status_cleared')) this.#timeline.push(actToken('status_cleared', [name]));
  }

  #leave(name: string): void {
    this.#strangers.add(name);
    this.#out.add(name);
  }

  #replugged(name: string, how: 'everybody' | 'insensitive'): boolean {
    if (this.#others.has(name)) return false;
    if (how === 'everybody') return true;
    if (this.#function(name).kind === 'bridge') return false;
    const driver = this.#driver(name);
    const lacks = (callback: Voting): boolean => !driver || behaviourOf(driver, callback) === 'absent';
    return lacks('errorDetected') || lacks('slotReset');
  }

  /** A status that was cleared before is not cleared again. */
  #evident({ kind, of }: NonNullable<ActStage['evidence']>): readonly string[] {
    return this.#touched(of).filter((name) => kind !== 'status_cleared' || !this.#cleared.has(name));
  }

  #touched(of: Touched): readonly string[] {
    const { at } = this.#situation;
    const reset = this.#layout.resets?.[at] ?? this.#members;
    if (of === 'detector' || (of === 'detector_unless_reset' && !reset.includes(at))) return [at];
    if (of === 'detector_unless_reset') return [];
    if (of === 'stopped') return (this.#layout.stops?.[at] ?? this.#members).filter((name) => !this.#others.has(name));
    if (of === 'out' || of === 'present') return this.#members.filter((name) => this.#out.has(name) === (of === 'out'));
    return of === 'scope' ? this.#members : reset;
  }

  #function(name: string): LayoutFunction {
    return this.#layout.functions[name]!;
  }

  /** undefined: nobody attached anything; bridges have no driver unless the script gives them one. */
  #driver(name: string): DriverScript | null | undefined {
    const scripted = this.#situation.script[name];
    if (scripted !== undefined) return scripted;
    return this.#function(name).kind === 'endpoint' ? {} : undefined;
  }
}

/** What a platform's own driver answers. */
function ownVote(own: OwnDriver, { callback, channel }: VoteStage | TellStage): Missing | undefined {
  if (callback === 'errorDetected') return channel === 'perm_failure' ? undefined : own.errorDetected[channel];
  return own[callback as 'mmioEnabled' | 'slotReset'];
}

/** What user space is told of one function in one walk. */
function ueventOf(
  law: NonNullable<PlatformProfile['uevents']>,
  stage: VoteStage | TellStage,
  vote: Missing,
): string | null {
  const callback: Voting | Telling = stage.callback;
  if (callback === 'resume') return law.resume;
  if (callback !== 'errorDetected') return null;
  if (stage.channel === 'perm_failure') return law.permFailure;
  return vote === 'abstains' ? null : law.detected[vote];
}

import { type Bdf, type RecoveryProcedure } from '@pci-recovery/core';
import { aerHostProcedure } from '@pci-recovery/aer';
import { PciTopology } from '@pci-recovery/pci/topology';
import { callText } from '../evidence/kernel-calls.js';
import { firstDifference, type Difference } from './compare.js';
import { cutTrace, type KernelRecovery, type RecordedStep } from './kernel-recoveries.js';
import { ersResult, kernelStory } from './kernel-story.js';
import { ReplayedPlatform } from './our-platform.js';
import { ourStory } from './our-story.js';
import { say } from './words.js';

/** One recovery of the kernel's, done again by ours. */
export interface ReplayedRecovery {
  readonly device: Bdf;
  readonly severity: 'nonfatal' | 'fatal';
  /** How many happenings were compared, the end included. */
  readonly compared: number;
}

/** What came of a replay. */
export interface Replay {
  readonly recoveries: readonly ReplayedRecovery[];
  /** Empty: ours does what the kernel does. */
  readonly differences: readonly Difference[];
}

type Ending = RecordedStep['log'][number] & { readonly bdf: Bdf };

/** Replays a step's recoveries one after the other. */
class StepReplay {
  readonly differences: Difference[] = [];
  readonly recoveries: ReplayedRecovery[] = [];
  readonly #platform: ReplayedPlatform;
  readonly #endings: Ending[];
  readonly #ourUevents: string[] = [];
  /** Recoveries of each lane, in order. */
  readonly #lanes = new Map<string, KernelRecovery>();

  constructor(
    private readonly step: RecordedStep,
    private readonly procedure: RecoveryProcedure,
  ) {
    this.#platform = new ReplayedPlatform(new PciTopology(step.functions));
    const ended = step.log.filter(({ kind }) => kind === 'recovery_succeeded' || kind === 'recovery_failed');
    this.#endings = ended.filter((record): record is Ending => record.bdf !== undefined);
  }

  run(): Replay {
    const { recoveries, strays } = cutTrace(this.step);
    for (const [index, recovery] of recoveries.entries()) this.#replay(recovery, index + 1);
    this.#compare('calls outside of any recovery', [], strays.map(callText));
    this.#compare(
      'endings in the log',
      [],
      this.#endings.map(({ kind, bdf }) => `${kind} ${bdf}`),
    );
    this.#compareUevents();
    return { recoveries: this.recoveries, differences: this.differences };
  }

  #compare(of: string, ours: readonly string[], kernel: readonly string[]): void {
    const difference = firstDifference(of, ours, kernel);
    if (difference) this.differences.push(difference);
  }

  #replay(recovery: KernelRecovery, number: number): void {
    const { device } = recovery;
    const severity = this.#severityOf(recovery);
    const of = `recovery ${number}, ${severity ?? 'unreported'} error of ${device}`;
    if (!severity) return this.#compare(of, ['an error that was reported before'], [`a recovery of ${device}`]);
    const event = this.#platform.event(recovery, severity);
    this.#compare(`lane of ${of}`, [], this.#overlapping(recovery, event));
    const { happenings, facts } = kernelStory(recovery);
    const ours = ourStory(this.#platform, event, facts, this.procedure);
    this.#ourUevents.push(...ours.filter((happening) => happening.startsWith('uevent ')));
    this.#compare(of, ours, [...happenings, this.#endOf(recovery)]);
    this.recoveries.push({ device, severity, compared: ours.length });
  }

  /** As `ras:aer_event` told it last: what the state of the channel is, is ours to work out. */
  #severityOf({ device, seconds }: KernelRecovery): 'nonfatal' | 'fatal' | undefined {
    const told = this.step.aerEvents.filter(
      ({ bdf, severity, seconds: at }) => bdf === device && at <= seconds && severity !== 'correctable',
    );
    return told.at(-1)?.severity as 'nonfatal' | 'fatal' | undefined;
  }

  /** A recovery that began before the last one of its lane was over. */
  #overlapping(recovery: KernelRecovery, event: Parameters<RecoveryProcedure['lane']>[0]): readonly string[] {
    const lane = this.procedure.lane(event, this.#platform.aer.scopeOf(event));
    const last = this.#lanes.get(lane);
    this.#lanes.set(lane, recovery);
    return last && last.to > recovery.from ? [`a recovery of ${last.device} that was still running`] : [];
  }

  /** The log says at which bridge and how, the trace what was returned. */
  #endOf({ device, returned }: KernelRecovery): string {
    const root = this.#platform.rootOf(device);
    const at = this.#endings.findIndex(({ bdf }) => this.#platform.rootOf(bdf) === root);
    const [ending] = at < 0 ? [] : this.#endings.splice(at, 1);
    if (!ending || returned === undefined) return 'no end within the step';
    const result = ending.kind === 'recovery_succeeded' ? 'recovered' : 'failed';
    return say.end(ending.bdf, result, ersResult(returned) ?? `${returned}`);
  }

  /** What user space really got, port by port: of several ports it comes in any order. */
  #compareUevents(): void {
    const rootOf = (text: string): Bdf => this.#platform.rootOf(text.split(' ')[2] as Bdf);
    const got = this.step.uevents.map(({ bdf, event }) => say.uevent(bdf, event));
    const of = (root: Bdf) => (text: string) => rootOf(text) === root;
    for (const root of new Set([...this.#ourUevents, ...got].map(rootOf))) {
      this.#compare(`uevents below ${root}`, this.#ourUevents.filter(of(root)), got.filter(of(root)));
    }
  }
}

/**
 * Does every recovery of a step again with our host procedure: with the kernel's error, its topology, its drivers'
 * answers and the result of its reset; and says where ours does something else. Compared are walks, callbacks, answers and
 * votes, channel states, uevents (in the trace, and as they came), resets, clearing of status and the end, in order.
 * `procedure`: ours; another one only to see what is found of it.
 * @throws PciRecoveryError `ERR_PCI_LAB_REPLAY` when a driver is not known, or ours asks for what the kernel has not.
 */
export const replay = (step: RecordedStep, procedure: RecoveryProcedure = aerHostProcedure): Replay =>
  new StepReplay(step, procedure).run();

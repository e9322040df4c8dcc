import { type Bdf, type Clock } from '@pci-recovery/core';
import { type AerTraceEvent } from '@pci-recovery/core/linux';
import { type CounterWatch } from './counters.js';
import { diagnose, type Diagnosis } from './diagnosis.js';
import { type HeldDevice } from './held-device.js';
import { type KernelWatch } from './kernel-watch.js';
import { possibleSources } from './neighbourhood.js';

/** Where the evidence of an error is looked for. */
export interface Evidence {
  readonly watch: KernelWatch;
  readonly counters: CounterWatch;
  readonly clock: Clock;
  /** Milliseconds that evidence may be late. */
  readonly grace: number;
  /** A host's recovery takes that long at most, milliseconds. */
  readonly host: number;
  /** Aborts when nobody wants to know any more. */
  readonly closing: AbortSignal;
  readonly heldOf: (bdf: Bdf) => HeldDevice | undefined;
  /** Takes what was traced of these functions since the last time. */
  readonly takeTraced: (sources: ReadonlySet<Bdf>) => readonly AerTraceEvent[];
}

/** Those who were signalled; may grow while it is worked out why. */
interface Signalled {
  readonly concerns: ReadonlySet<Bdf>;
}

/** Something happened, nothing says what: the worst is assumed. */
export const UNKNOWN: Diagnosis = { severity: 'fatal', evidence: 'recovery', sources: [], errors: [] };

/** What the kernel has counted and traced; it does so before it signals anybody, so this answers at once (R3.8). */
export async function counted(evidence: Evidence, { concerns }: Signalled): Promise<Diagnosis | undefined> {
  const { watch, counters, takeTraced } = evidence;
  const sources = new Set([...concerns].flatMap((bdf) => [...possibleSources(watch.topology, bdf)]));
  return diagnose(await counters.moved(sources), takeTraced(sources));
}

/**
 * What an error is, from the cheapest evidence to the dearest: counters and trace, then the host's own recovery, then the devices'
 * status. To read that can take as long as the host resets the link, so nobody waits for it once the host is known to recover: who has
 * not answered in the end is being reset. A signal that nothing explains, also a moment later, was none: somebody tried his eventfd. Undefined then.
 */
export async function classify(evidence: Evidence, signalled: Signalled): Promise<Diagnosis | undefined> {
  const { watch, clock, grace, closing } = evidence;
  const until = clock.monotonic() + grace * 1e6;
  const own = new OwnStatus(evidence, signalled);
  for (;;) {
    const known = await counted(evidence, signalled);
    if (known) return known;
    if (watch.cycles.stateOf(signalled.concerns) !== 'quiet') return UNKNOWN;
    own.read();
    if (own.diagnosis) return own.diagnosis;
    const left = (until - clock.monotonic()) / 1e6;
    if (left <= 0) return own.reading || !wouldShow(evidence, signalled) ? UNKNOWN : undefined;
    await watch.cycles.bell.within(left, closing);
  }
}

/** An error would have left a trace: it is counted, and the host's recovery is told by uevents. */
const wouldShow = ({ watch, counters, host }: Evidence, { concerns }: Signalled): boolean =>
  watch.cycles.hearsAll(host) ||
  counters.tellsOf([...concerns].flatMap((bdf) => [...possibleSources(watch.topology, bdf)]));

/** What the devices' own status says, once it has been read. */
class OwnStatus {
  diagnosis: Diagnosis | undefined;
  #pending = 0;
  readonly #asked = new Set<Bdf>();

  constructor(
    readonly evidence: Evidence,
    readonly signalled: Signalled,
  ) {}

  get reading(): boolean {
    return this.#pending > 0;
  }

  /** Asks every device once that was not asked before. */
  read(): void {
    for (const bdf of this.signalled.concerns) {
      if (this.#asked.has(bdf)) continue;
      this.#asked.add(bdf);
      void this.#ask(bdf);
    }
  }

  async #ask(bdf: Bdf): Promise<void> {
    const { heldOf, watch } = this.evidence;
    this.#pending++;
    const status = (await heldOf(bdf)?.status()) ?? 'clean';
    this.#pending--;
    if (status === 'silent') this.diagnosis ??= UNKNOWN;
    else if (status !== 'clean')
      this.diagnosis ??= { severity: status, evidence: 'status', sources: [bdf], errors: [] };
    watch.cycles.bell.ring();
  }
}

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
 * status (which waits while the host resets the link). A signal that nothing explains, also a moment later, was none: somebody
 * tried his eventfd. Undefined then.
 */
export async function classify(evidence: Evidence, signalled: Signalled): Promise<Diagnosis | undefined> {
  const { watch, clock, grace } = evidence;
  const isRecovered = (): boolean => watch.cycles.stateOf([...signalled.concerns]) !== 'quiet';
  const known =
    (await counted(evidence, signalled)) ?? (isRecovered() ? UNKNOWN : await ownStatus(evidence, signalled));
  if (known) return known;
  const late = new Promise<void>((resolve) => clock.after(grace, resolve));
  await Promise.race([watch.cycles.changed(), late]);
  return (await counted(evidence, signalled)) ?? (isRecovered() ? UNKNOWN : undefined);
}

async function ownStatus({ heldOf }: Evidence, { concerns }: Signalled): Promise<Diagnosis | undefined> {
  for (const bdf of concerns) {
    const status = (await heldOf(bdf)?.status()) ?? 'clean';
    if (status === 'silent') return UNKNOWN;
    if (status !== 'clean') return { severity: status, evidence: 'status', sources: [bdf], errors: [] };
  }
  return undefined;
}

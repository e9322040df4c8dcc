import { type Bdf, type Clock, type OperationResult } from '@pci-recovery/core';
import { type ObservedEnd } from '../procedure/observer.js';
import { type CycleState, type HostCycles } from './host-cycles.js';
import { type AerObserverTimings } from './observer-timings.js';
import { type AerLinuxRecord } from './record.js';

/** A host's recovery as an observer sees it: of one error, or of several that follow each other before it is over. */
export class ObservedIncident {
  readonly origin: AerLinuxRecord['origin'];
  /** The root port above. */
  readonly root: Bdf;
  /** Whom the host recovers, bridges included: it tells of every one of them. */
  readonly concerns: Set<Bdf>;
  /** It is known what the error is. */
  explained = false;
  /** A fatal error is among them: the host resets the link, whatever drivers said before. */
  fatal = false;
  /** Errors and uevents that belonged to it. */
  happenings = 0;
  readonly over: Promise<OperationResult>;
  #close: (end: OperationResult) => void = () => undefined;

  constructor(origin: AerLinuxRecord['origin'], root: Bdf, concerns: Iterable<Bdf>) {
    this.origin = origin;
    this.root = root;
    this.concerns = new Set(concerns);
    this.over = new Promise((resolve) => (this.#close = resolve));
  }

  happened(concerns: Iterable<Bdf>): void {
    this.happenings++;
    for (const bdf of concerns) this.concerns.add(bdf);
  }

  close(end: OperationResult): void {
    this.#close(end);
  }
}

/**
 * Follows the host to its end. A driver's vote may say FAILED or SUCCESSFUL long before, and no driver at all says nothing until the host
 * gives up: so the last uevent of each function counts, when nobody recovers any more and it has been calm.
 */
export async function followHost(
  incident: ObservedIncident,
  cycles: HostCycles,
  clock: Clock,
  timings: AerObserverTimings,
  signal: AbortSignal,
): Promise<OperationResult> {
  const until = clock.monotonic() + timings.host * 1e6;
  const losses = cycles.losses;
  let seen = incident.happenings;
  let since = clock.monotonic();
  for (;;) {
    if (incident.happenings !== seen) since = clock.monotonic();
    seen = incident.happenings;
    const state = cycles.stateOf(incident.concerns);
    const blind = cycles.deaf || cycles.losses > losses;
    const end = since + (isTold(incident, cycles, state) || blind ? timings.calm : timings.unheard) * 1e6;
    const now = clock.monotonic();
    if (now >= end && (state !== 'running' || blind)) return endOf(state);
    if (now >= until) return { ok: false, why: 'timeout', detail: `The host did not end within ${timings.host} ms.` };
    const next = state === 'running' && !blind ? until : Math.min(end, until);
    await cycles.bell.within((next - now) / 1e6, signal);
  }
}

function endOf(state: CycleState): OperationResult {
  if (state === 'gone') return { ok: false, why: 'gone', detail: 'A function was taken away.' };
  const end: ObservedEnd = state === 'running' ? 'quiet' : state;
  return { ok: true, value: end };
}

/** Its end was told, if nobody recovers any more. Before a fatal error's reset drivers can only have voted, unless somebody had begun. */
const isTold = ({ origin, fatal, concerns }: ObservedIncident, cycles: HostCycles, state: CycleState): boolean =>
  origin === 'survey' || (state !== 'quiet' && (!fatal || cycles.hasBegun(concerns)));

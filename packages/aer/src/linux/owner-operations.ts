import { type Capability, type Clock, type Member, type Operation, type OperationResult } from '@pci-recovery/core';
import { type HeldDevice } from './held-device.js';
import { type Incidents } from './incidents.js';
import { untilAborted } from './until-aborted.js';
import { operationFailure, STOPPED } from './operation-failure.js';
import { type AerOwnerTimings } from './owner-timings.js';

const DONE: OperationResult = { ok: true };
const NOBODY: Member['handles'] = new Set();

/** A held device as a member of a scope: whoever listens is attached to the engine. */
export const memberOf = ({ bdf, generation, channel }: HeldDevice): Member => ({
  bdf,
  generation,
  bridge: false,
  channel,
  driver: false,
  handles: NOBODY,
});

/** One hot reset serves a whole scope when it is allowed and touches all of it (R4.2). */
export function hotResetOf(devices: readonly HeldDevice[]): Capability {
  const [first] = devices;
  if (!first) return { absent: 'Nothing of it is held.' };
  const { members, allowed } = first.hotResetScope ?? { members: [], allowed: { absent: 'It was not asked for yet.' } };
  if (allowed !== true) return allowed;
  const beside = devices.find(({ bdf }) => !members.some((member) => member.bdf === bdf));
  return beside ? { absent: `A hot reset of ${first.bdf} does not touch ${beside.bdf}.` } : true;
}

/** What a holder does to its devices. Nothing changes them while the host recovers: also not from an error that came meanwhile (R3.5). */
export class OwnerOperations {
  readonly #incidents: Incidents;
  readonly #clock: Clock;
  readonly #timings: AerOwnerTimings;

  constructor(incidents: Incidents, clock: Clock, timings: AerOwnerTimings) {
    this.#incidents = incidents;
    this.#clock = clock;
    this.#timings = timings;
  }

  async perform(operation: Operation, devices: readonly HeldDevice[], signal: AbortSignal): Promise<OperationResult> {
    switch (operation.name) {
      case 'await_host':
        return untilAborted(this.#incidents.hostEnd(Number(operation['seen'])), signal, () => STOPPED);
      case 'hot_reset':
        return this.#afterHost(devices, (reset) => (reset ? DONE : this.#hotReset(devices)));
      case 'restore_config':
        return this.#afterHost(devices, () => each(devices, (device) => device.restore()));
      case 'clear_status':
        return this.#afterHost(devices, () => each(devices, (device) => device.clearStatus()));
      default:
        return { ok: false, why: 'unsupported', detail: `A holder has no operation "${operation.name}".` };
    }
  }

  /** @param change `reset`: the host has just reset the link, because of a newer error. */
  async #afterHost(
    devices: readonly HeldDevice[],
    change: (reset: boolean) => OperationResult | Promise<OperationResult>,
  ): Promise<OperationResult> {
    const ends = await this.#incidents.calm(devices.map(({ bdf }) => bdf));
    const bad = ends.find((end) => !end.ok || end.value === 'gave_up');
    if (bad?.ok) return { ok: false, why: 'refused', detail: 'The host gave up on a newer error.' };
    return bad ?? change(ends.some((end) => end.ok && end.value === 'reset'));
  }

  /** One hot reset for all of a scope: {@link hotResetOf} said that it touches all of it. It is cut short when the host would be, too. */
  async #hotReset(devices: readonly HeldDevice[]): Promise<OperationResult> {
    const [first] = devices;
    if (!first) return { ok: false, why: 'gone', detail: 'Nothing of it is held.' };
    const enough = new AbortController();
    const late = this.#clock.after(this.#timings.host, () => enough.abort());
    try {
      await first.port.hotReset({ signal: enough.signal });
      return DONE;
    } catch (error) {
      return operationFailure(error);
    } finally {
      late[Symbol.dispose]();
    }
  }
}

/** One after the other, as long as they succeed. */
async function each(
  devices: readonly HeldDevice[],
  work: (device: HeldDevice) => Promise<OperationResult>,
): Promise<OperationResult> {
  for (const device of devices) {
    const result = await work(device);
    if (!result.ok) return result;
  }
  return DONE;
}

import { type Capability, type Member, type OperationResult } from '@pci-recovery/core';
import { type HeldDevice } from './held-device.js';
import { operationFailure } from './operation-failure.js';

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

/** One hot reset for all of a scope: `hotResetOf` said that it touches all of it. */
export async function hotReset(devices: readonly HeldDevice[], signal: AbortSignal): Promise<OperationResult> {
  try {
    await devices[0]!.port.hotReset({ signal });
    return DONE;
  } catch (error) {
    return operationFailure(error);
  }
}

/** One after the other, as long as they succeed. */
export async function each(
  devices: readonly HeldDevice[],
  work: (device: HeldDevice) => Promise<OperationResult>,
): Promise<OperationResult> {
  for (const device of devices) {
    const result = await work(device);
    if (!result.ok) return result;
  }
  return DONE;
}

/** A wait gives way to an abort at once. */
export function untilAborted(result: Promise<OperationResult>, signal: AbortSignal): Promise<OperationResult> {
  if (signal.aborted) return Promise.resolve({ ok: false, why: 'stopped' });
  return new Promise((resolve, reject) => {
    const stop = (): void => resolve({ ok: false, why: 'stopped' });
    signal.addEventListener('abort', stop, { once: true });
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

import { type Clock } from '@pci-recovery/core';
import { OPAL, OPAL_ASSERT, OPAL_RESET, type OpalFirmware, type OpalTarget } from '../firmware/opal.js';
import { EEH_RESET } from '../firmware/states.js';
import { type Pe } from '../pe/pe.js';
import { type PeTree } from '../pe/tree.js';
import { type EehHostPort } from '../port.js';
import { ERRNO } from './errno.js';
import { type EehTimings } from './surroundings.js';
import { pause, type Waiting } from './waiting.js';

/** What resets through OPAL work with. */
export interface OpalSurroundings {
  readonly port: EehHostPort;
  readonly firmware: OpalFirmware;
  readonly tree: PeTree;
  readonly clock: Clock;
  readonly timings: EehTimings;
  /** Host bridges of the oldest kind, by their domains. */
  readonly p7iocs: ReadonlySet<number>;
  /** PEs whose reset was asserted and is to be taken back. */
  readonly held: WeakSet<Pe>;
}

/**
 * Waits until firmware has done what it was asked for: `rc` and every answer of a poll is a time to wait (pnv_eeh_poll). Unlike
 * the kernel not for ever: after as long as a state is waited for it has failed.
 */
export function* finished(around: OpalSurroundings, target: OpalTarget, rc: number): Waiting<number> {
  const { firmware, clock, timings } = around;
  // What is no time at all (NaN) is no success either.
  if (!(rc > 0)) return rc;
  for (let most = timings.state; ;) {
    const left = firmware.poll(target);
    if (!(left > 0)) return left;
    if (most <= 0) return OPAL.HARDWARE;
    yield pause(clock, Math.min(left, most));
    most -= left;
  }
}

const errnoOf = (rc: number): number => (rc === OPAL.SUCCESS ? 0 : ERRNO.EIO);

function* assertedReset(around: OpalSurroundings, phb: number, scope: number, option: number): Waiting<number> {
  const assert = option === EEH_RESET.DEACTIVATE ? OPAL_ASSERT.DEASSERT : OPAL_ASSERT.ASSERT;
  const asked = around.firmware.reset({ phb }, scope, assert);
  if (asked < 0) return ERRNO.EIO;
  const rc = asked > 0 ? yield* finished(around, { phb }, asked) : asked;
  if (option === EEH_RESET.DEACTIVATE) yield pause(around.clock, around.timings.settle);
  return errnoOf(rc);
}

/** A host bridge from the ground up: what a fence needs (pnv_eeh_phb_reset). */
export const completeReset = (around: OpalSurroundings, phb: number, option: number): Waiting<number> =>
  assertedReset(around, phb, OPAL_RESET.PHB_COMPLETE, option);

/** Hot or fundamental reset below a host bridge's root port (pnv_eeh_root_reset). */
export const rootReset = (around: OpalSurroundings, phb: number, option: number): Waiting<number> =>
  assertedReset(around, phb, option === EEH_RESET.FUNDAMENTAL ? OPAL_RESET.FUNDAMENTAL : OPAL_RESET.HOT, option);

import { type Clock } from '@pci-recovery/core';
import { OPAL, OPAL_ASSERT, OPAL_RESET, type OpalFirmware, type OpalTarget } from '../firmware/opal.js';
import { EEH_RESET } from '../firmware/states.js';
import { type PeTree } from '../pe/tree.js';
import { type EehHostPort } from '../port.js';
import { ERRNO } from './errno.js';
import { pause, type EehTimings } from './surroundings.js';

/** What resets through OPAL work with. */
export interface OpalSurroundings {
  readonly port: EehHostPort;
  readonly firmware: OpalFirmware;
  readonly tree: PeTree;
  readonly clock: Clock;
  readonly timings: EehTimings;
}

/** Waits until firmware has done what it was asked for: `rc` and every answer of a poll is a time to wait (pnv_eeh_poll). */
export async function finished({ firmware, clock }: OpalSurroundings, target: OpalTarget, rc: number): Promise<number> {
  if (rc <= 0) return rc;
  for (let left = firmware.poll(target); ; left = firmware.poll(target)) {
    if (left <= 0) return left;
    await pause(clock, left);
  }
}

const errnoOf = (rc: number): number => (rc === OPAL.SUCCESS ? 0 : ERRNO.EIO);

async function assertedReset(around: OpalSurroundings, phb: number, scope: number, option: number): Promise<number> {
  const assert = option === EEH_RESET.DEACTIVATE ? OPAL_ASSERT.DEASSERT : OPAL_ASSERT.ASSERT;
  const rc = await finished(around, { phb }, around.firmware.reset({ phb }, scope, assert));
  if (rc < 0) return ERRNO.EIO;
  if (option === EEH_RESET.DEACTIVATE) await pause(around.clock, around.timings.settle);
  return errnoOf(rc);
}

/** A host bridge from the ground up: what a fence needs (pnv_eeh_phb_reset). */
export const completeReset = (around: OpalSurroundings, phb: number, option: number): Promise<number> =>
  assertedReset(around, phb, OPAL_RESET.PHB_COMPLETE, option);

/** Hot or fundamental reset below a host bridge's root port (pnv_eeh_root_reset). */
export const rootReset = (around: OpalSurroundings, phb: number, option: number): Promise<number> =>
  assertedReset(around, phb, option === EEH_RESET.FUNDAMENTAL ? OPAL_RESET.FUNDAMENTAL : OPAL_RESET.HOT, option);

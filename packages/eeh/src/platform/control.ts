import { type Stoppable } from '@pci-recovery/core';
import { EEH_OPTION, EEH_RESET, EEH_STATE, isActive, WORKING } from '../firmware/states.js';
import { PE_STATE, type Pe } from '../pe/pe.js';
import { clear, mark, walkDevices, walkPes } from '../pe/tree.js';
import { ERRNO } from './errno.js';
import { probeUnknown } from './probe.js';
import { reenableDecoding, restoreRegisters } from './restore.js';
import { type Surroundings } from './surroundings.js';
import { pause, type Sooner, type Waiting } from './waiting.js';

/** Resets, and thaws, are tried so often. */
const TRIES = 3;

const MMIO_BITS = EEH_STATE.MMIO_ACTIVE | EEH_STATE.MMIO_ENABLED;

/**
 * Asks for the state until it is something else than "temporarily unavailable", for `most` milliseconds at most; then it
 * counts as not supported. Nearly always the first answer is something else: then that is it, and nothing is to be waited for.
 *
 * Source: Linux 7.3 arch/powerpc/kernel/eeh_pe.c:eeh_wait_state.
 * @param until its signal is looked at only when there is something to wait for: the engine makes it when it is asked for.
 * @throws PciRecoveryError `ERR_PCI_ABORTED` as soon as that aborts.
 */
export function waitState(around: Surroundings, pe: Pe, most: number, until?: Stoppable): Sooner {
  const { state, wait } = around.ops.getState(pe);
  return state === EEH_STATE.UNAVAILABLE ? waitUnavailable(around, pe, most, wait, until) : state;
}

function* waitUnavailable(
  { ops, clock, timings }: Surroundings,
  pe: Pe,
  most: number,
  firstWait: number,
  until: Stoppable | undefined,
): Waiting<number> {
  let wait = firstWait;
  for (let left = most; left > 0;) {
    const ask = Math.min(Math.max(wait, timings.shortestAsk), timings.longestAsk);
    yield pause(clock, Math.min(ask, left), until?.signal);
    left -= ask;
    const next = ops.getState(pe);
    if (next.state !== EEH_STATE.UNAVAILABLE) return next.state;
    wait = next.wait;
  }
  return EEH_STATE.NOT_SUPPORTED;
}

/**
 * Thaws MMIO or DMA, unless it is thawed already, and waits until firmware says so. 0 or an error. A PE that firmware does not
 * support counts as thawed.
 *
 * Source: Linux 7.3 arch/powerpc/kernel/eeh.c:eeh_pci_enable.
 */
export function thaw(around: Surroundings, pe: Pe, what: 'mmio' | 'dma'): Sooner {
  const { ops, timings } = around;
  const active = what === 'mmio' ? MMIO_BITS : EEH_STATE.DMA_ACTIVE;
  const { state } = ops.getState(pe);
  if (state < 0) return state;
  if (state === EEH_STATE.NOT_SUPPORTED || (state & active) !== 0) return 0;
  ops.setOption(pe, what === 'mmio' ? EEH_OPTION.THAW_MMIO : EEH_OPTION.THAW_DMA);
  const after = waitState(around, pe, timings.state);
  return typeof after === 'number' ? thawed(after, active) : thawedLater(after, active);
}

const thawed = (state: number, active: number): number => (state < 0 ? state : (state & active) !== 0 ? 0 : ERRNO.EIO);

function* thawedLater(state: Waiting<number>, active: number): Waiting<number> {
  return thawed(yield* state, active);
}

/** MMIO first, DMA only when that worked (eeh_unfreeze_pe). */
export function* unfreeze(around: Surroundings, pe: Pe): Waiting<number> {
  const mmio = thaw(around, pe, 'mmio');
  const rc = typeof mmio === 'number' ? mmio : yield* mmio;
  if (rc !== 0) return rc;
  const dma = thaw(around, pe, 'dma');
  return typeof dma === 'number' ? dma : yield* dma;
}

/**
 * Thaws a PE and all below it, each in up to three tries (eeh_clear_pe_frozen_state). Registers that nobody could reach before
 * are written back then; the kernel leaves them as the reset did.
 */
export function* unfreezeAll(around: Surroundings, root: Pe, includePassed: boolean): Waiting<number> {
  for (const pe of walkPes(root)) {
    if (!includePassed && pe.passed > 0) continue;
    let tries = 0;
    while (tries < TRIES && (yield* unfreeze(around, pe)) !== 0) tries++;
    if (tries === TRIES) return ERRNO.EIO;
  }
  if (around.ops.blocksFrozen(root)) yield* restoreFunctions(around, root, around.timings.ready);
  clear(root, PE_STATE.ISOLATED, includePassed);
  return 0;
}

/**
 * Thaws MMIO or DMA of a PE and of everything below it that is the host's. 0 or an error.
 *
 * The kernel thaws the PE itself only, so that one below that is frozen too is resumed as it is, and found again at the next read.
 */
export function* thawHosts(around: Surroundings, root: Pe, what: 'mmio' | 'dma'): Waiting<number> {
  for (const pe of walkPes(root)) {
    const thawing = pe.passed > 0 ? 0 : thaw(around, pe, what);
    const rc = typeof thawing === 'number' ? thawing : yield* thawing;
    if (rc !== 0) return rc;
  }
  return yield* confirmed(around, root, what);
}

/**
 * 0 when firmware says of a PE, and of everything below it that is the host's, that MMIO works, and DMA as well where that was
 * thawed last. An error else: the kernel takes a PE of which firmware knows nothing, and one that is still in reset, for
 * thawed; here what is handed back is known to work.
 */
export function* confirmed(around: Surroundings, root: Pe, what: 'mmio' | 'dma'): Waiting<number> {
  const wanted = what === 'mmio' ? EEH_STATE.MMIO_ENABLED : WORKING;
  for (const pe of walkPes(root)) {
    if (pe.passed > 0) continue;
    const found = waitState(around, pe, around.timings.state);
    const state = typeof found === 'number' ? found : yield* found;
    if (state < 0 || (state & (wanted | EEH_STATE.RESET_ACTIVE)) !== wanted) return ERRNO.EIO;
  }
  return 0;
}

/** One step of a reset: asserting it, frozen first, or taking it back (eeh_pe_reset). */
export function* resetStep(around: Surroundings, pe: Pe, option: number, includePassed: boolean): Waiting<number> {
  const { ops } = around;
  if (option === EEH_RESET.HOT || option === EEH_RESET.FUNDAMENTAL) {
    if ((pe.state & PE_STATE.CFG_BLOCKED) === 0) probeUnknown(around, pe);
    ops.setOption(pe, EEH_OPTION.FREEZE);
    mark(pe, PE_STATE.CFG_BLOCKED);
    pe.resetAsserted = true;
    return yield* ops.reset(pe, option);
  }
  if (option !== EEH_RESET.DEACTIVATE) return ERRNO.EINVAL;
  const rc = yield* ops.reset(pe, option);
  if (rc === 0) pe.resetAsserted = false;
  clear(pe, PE_STATE.CFG_BLOCKED, includePassed);
  return rc || (yield* reenable(around, pe, includePassed));
}

/**
 * After a reset: registers back, address decoding on again, then the thaw (eeh_pe_reenable_devices). Unlike in the kernel every
 * reset is followed by a wait for its functions.
 */
function* reenable(around: Surroundings, pe: Pe, includePassed: boolean): Waiting<number> {
  const { ops, timings } = around;
  const blocked = ops.blocksFrozen(pe);
  yield* restoreFunctions(around, pe, blocked ? 0 : timings.ready);
  const rc = includePassed || pe.passed === 0 ? yield* unfreeze(around, pe) : 0;
  if (rc !== 0) return rc;
  // In the middle of a whole reset nothing is thawed yet.
  if (blocked && (pe.state & PE_STATE.RESET) === 0) yield* restoreFunctions(around, pe, timings.ready);
  clear(pe, PE_STATE.ISOLATED, includePassed);
  return 0;
}

function* restoreFunctions(around: Surroundings, pe: Pe, patience: number): Waiting<void> {
  yield* restoreRegisters(around, pe, patience);
  for (const device of pe.functions) if (device.present) reenableDecoding(around, device);
}

/**
 * A whole reset: fundamental when any function wants that, else hot; up to three tries. A state that cannot be asked stops it
 * at once. Still inactive after the last try counts as success, as in the kernel. PEs that are passed through are frozen again.
 *
 * Source: Linux 7.3 arch/powerpc/kernel/eeh.c:eeh_pe_reset_full.
 */
export function* resetFull(around: Surroundings, pe: Pe, includePassed: boolean): Waiting<number> {
  const { port } = around;
  const fundamental = walkDevices(pe).some((one) => one.present && port.needsFundamentalReset(one.bdf));
  const option = fundamental ? EEH_RESET.FUNDAMENTAL : EEH_RESET.HOT;
  mark(pe, PE_STATE.RESET | PE_STATE.CFG_BLOCKED);
  let rc: number = ERRNO.EIO;
  for (let tries = 0; tries < TRIES; tries++) {
    rc = yield* resetStep(around, pe, option, includePassed);
    rc ||= yield* resetStep(around, pe, EEH_RESET.DEACTIVATE, includePassed);
    if (rc !== 0) {
      rc = ERRNO.EIO;
      continue;
    }
    const found = waitState(around, pe, around.timings.state);
    const state = typeof found === 'number' ? found : yield* found;
    if (state < 0) rc = ERRNO.ENOTRECOVERABLE;
    if (state < 0 || isActive(state)) break;
  }
  if (!includePassed) refreezePassed(around, pe);
  clear(pe, PE_STATE.RESET | PE_STATE.CFG_BLOCKED, true);
  return rc;
}

/** A reset thaws what is below it too: what belongs to others stays frozen for its owner (eeh_pe_refreeze_passed). */
function refreezePassed({ ops }: Surroundings, root: Pe): void {
  for (const pe of walkPes(root)) {
    if (pe.passed === 0) continue;
    const { state } = ops.getState(pe);
    if (state < 0 || (state & MMIO_BITS) !== 0) ops.setOption(pe, EEH_OPTION.FREEZE);
  }
}

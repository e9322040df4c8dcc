import { type Bdf } from '@pci-recovery/core';
import { DIAG_VERSION, encodePhbDiag, layoutOf } from '../diag/index.js';
import {
  OPAL,
  OPAL_ACTION,
  OPAL_ASSERT,
  OPAL_ERROR,
  OPAL_FREEZE,
  OPAL_RESET,
  OPAL_SEVERITY,
  type OpalFirmware,
  type OpalTarget,
} from '../firmware/opal.js';
import { ask, call, isPlain } from './calls.js';
import { freezePe, thawPe } from './freezes.js';
import {
  functionsBelow,
  functionsOnBus,
  namesOf,
  type Machine,
  type SimulatedHostBridge,
  type SimulatedPe,
} from './machine.js';
import { assertReset, releaseReset } from './resets.js';

const NS_PER_MS = 1e6;
const FROZEN = 1n << 63n;

const has = (action: number, bit: number): boolean => (action & bit) !== 0;

const freezeOf = ({ mmioFrozen, dmaFrozen }: SimulatedPe): number =>
  (mmioFrozen ? OPAL_FREEZE.MMIO : 0) | (dmaFrozen ? OPAL_FREEZE.DMA : 0);

const answer = (freeze: number): { rc: number; freeze: number; error: number } => ({
  rc: OPAL.SUCCESS,
  freeze,
  error: freeze === OPAL_FREEZE.NOT_FROZEN ? OPAL_ERROR.NONE : OPAL_ERROR.PE,
});

/** OPAL firmware of a simulated machine. It does by itself what skiboot does, in the time that the machine says. */
export class SimulatedOpal implements OpalFirmware {
  readonly kind = 'opal';
  readonly #machine: Machine;
  readonly #blobs = new WeakMap<SimulatedHostBridge, { readonly key: string; readonly blob: Uint8Array }>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  freezeStatus(phb: number, pe: number): { rc: number; freeze: number; error: number } {
    // Asked ten times in a recovery.
    if (isPlain(this.#machine)) return this.#status(phb, pe);
    const failed = (rc: number) => ({ rc, freeze: 0, error: OPAL_ERROR.NONE });
    return ask(this.#machine, { call: 'freezeStatus', phb, pe }, failed, () => this.#status(phb, pe));
  }

  freezeClear(phb: number, pe: number, action: number): number {
    return this.#onPe('freezeClear', { phb, pe, action }, (one) =>
      thawPe(this.#machine, one, { mmio: has(action, OPAL_ACTION.MMIO), dma: has(action, OPAL_ACTION.DMA) }),
    );
  }

  freezeSet(phb: number, pe: number, action: number): number {
    return this.#onPe('freezeSet', { phb, pe, action }, (one) =>
      freezePe(this.#machine, one, { mmio: has(action, OPAL_ACTION.MMIO), dma: has(action, OPAL_ACTION.DMA) }),
    );
  }

  /** Resets run by themselves; taking one back does nothing. */
  reset(target: OpalTarget, scope: number, assert: number): number {
    const { phb } = target;
    return call(this.#machine, { call: 'reset', phb, action: scope }, () => {
      const bridge = this.#machine.bridges.get(phb);
      if (!bridge || bridge.state === 'dead') return bridge ? OPAL.HARDWARE : OPAL.PARAMETER;
      if (assert === OPAL_ASSERT.DEASSERT || scope === OPAL_RESET.PHB_ERROR) return OPAL.SUCCESS;
      if (bridge.reset) return OPAL.BUSY;
      return this.#begin(bridge, target, scope);
    });
  }

  poll({ phb }: OpalTarget): number {
    return call(this.#machine, { call: 'poll', phb }, () => {
      const { reset } = this.#machine.bridges.get(phb) ?? {};
      if (!reset) return OPAL.SUCCESS;
      const left = Math.ceil((reset.due - this.#machine.clock.monotonic()) / NS_PER_MS);
      return left > 0 ? left : OPAL.SUCCESS;
    });
  }

  diagData(phb: number): { rc: number; blob: Uint8Array } {
    const failed = (rc: number) => ({ rc, blob: new Uint8Array(0) });
    return ask(this.#machine, { call: 'diagData', phb }, failed, () => {
      const bridge = this.#machine.bridges.get(phb);
      if (!bridge) return failed(OPAL.PARAMETER);
      const blob = this.#diagBlob(bridge);
      this.#machine.witness.add({ kind: 'log_collected', phb, bytes: blob.length, functions: [] });
      return { rc: OPAL.SUCCESS, blob };
    });
  }

  nextError(phb: number): { rc: number; pe: number; error: number; severity: number } {
    const nothing = (rc: number) => ({ rc, pe: 0, error: OPAL_ERROR.NONE, severity: OPAL_SEVERITY.NONE });
    return ask(this.#machine, { call: 'nextError', phb }, nothing, () => {
      const bridge = this.#machine.bridges.get(phb);
      if (!bridge) return nothing(OPAL.PARAMETER);
      const next = bridge.errors.shift();
      return next ? { rc: OPAL.SUCCESS, ...next } : nothing(OPAL.SUCCESS);
    });
  }

  reinit(phb: number, bdf: Bdf): number {
    return call(this.#machine, { call: 'reinit', phb }, () =>
      this.#machine.functions.has(bdf) ? OPAL.SUCCESS : OPAL.PARAMETER,
    );
  }

  /** Errors strike at once: loads and stores stop MMIO and DMA alike. */
  injectError(phb: number, pe: number, type: number, func: number): number {
    return call(this.#machine, { call: 'injectError', phb, pe }, () => {
      const found = this.#machine.bridges.get(phb)?.pes.get(pe);
      if (!found || type > 1 || func > 19) return OPAL.PARAMETER;
      freezePe(this.#machine, found, { mmio: true, dma: true });
      return OPAL.SUCCESS;
    });
  }

  /** What a host bridge has to say seldom changes: it is laid out anew only when it did, and never written to again. */
  #diagBlob(bridge: SimulatedHostBridge): Uint8Array {
    let key: string = bridge.state;
    for (const pe of bridge.pes.values()) key += freezeOf(pe);
    const known = this.#blobs.get(bridge);
    if (known?.key === key) return known.blob;
    const blob = diagBlob(
      bridge,
      [...bridge.pes.values()].filter((pe) => freezeOf(pe) !== OPAL_FREEZE.NOT_FROZEN),
    );
    this.#blobs.set(bridge, { key, blob });
    return blob;
  }

  #status(phb: number, pe: number): { rc: number; freeze: number; error: number } {
    const bridge = this.#machine.bridges.get(phb);
    if (!bridge) return { rc: OPAL.PARAMETER, freeze: 0, error: OPAL_ERROR.NONE };
    if (bridge.state !== 'working') {
      return { rc: OPAL.SUCCESS, freeze: OPAL_FREEZE.MMIO_DMA, error: OPAL_ERROR.PHB };
    }
    const found = bridge.pes.get(pe);
    if (!found) return { rc: OPAL.SUCCESS, freeze: OPAL_FREEZE.NOT_FROZEN, error: OPAL_ERROR.NONE };
    if (found.lost) return answer(OPAL_FREEZE.PERMANENTLY_UNAVAILABLE);
    const unavailable = found.unavailableUntil > 0 && this.#machine.clock.monotonic() < found.unavailableUntil;
    if (unavailable) return answer(OPAL_FREEZE.TEMPORARILY_UNAVAILABLE);
    if (found.inReset) return answer(OPAL_FREEZE.RESET);
    return answer(freezeOf(found));
  }

  #onPe(
    name: 'freezeClear' | 'freezeSet',
    { phb, pe, action }: { readonly phb: number; readonly pe: number; readonly action: number },
    act: (pe: Parameters<typeof thawPe>[1]) => void,
  ): number {
    return call(this.#machine, { call: name, phb, pe, action }, () => {
      const bridge = this.#machine.bridges.get(phb);
      if (!bridge) return OPAL.PARAMETER;
      if (bridge.state !== 'working') return OPAL.HARDWARE;
      const found = bridge.pes.get(pe);
      if (found) act(found);
      return OPAL.SUCCESS;
    });
  }

  #begin(bridge: SimulatedHostBridge, { bridge: below }: OpalTarget, scope: number): number {
    const machine = this.#machine;
    const complete = scope === OPAL_RESET.PHB_COMPLETE;
    if (bridge.state !== 'working' && !complete) return OPAL.HARDWARE;
    const slot = below && machine.functions.get(below);
    const roots = functionsOnBus(bridge, bridge.rootBus);
    // Hot and fundamental resets reach what is below the root ports; only a complete one reaches them too.
    const functions = slot
      ? functionsBelow(slot)
      : complete
        ? roots
        : roots.filter((fn) => fn.description.kind !== 'root_port');
    const kind = complete ? 'complete' : scope === OPAL_RESET.FUNDAMENTAL ? 'fundamental' : 'hot';
    const open = assertReset(machine, kind, functions);
    const ms = machine.resetMs[kind];
    const done = (): void => {
      bridge.reset = undefined;
      if (complete) clearFence(machine, bridge);
      releaseReset(machine, open);
    };
    if (ms <= 0) {
      done();
      return OPAL.SUCCESS;
    }
    bridge.reset = { due: machine.clock.monotonic() + ms * NS_PER_MS, done };
    machine.clock.after(ms, done);
    return Math.max(1, ms);
  }
}

/** A complete reset also lifts every freeze of the host bridge. */
function clearFence(machine: Machine, bridge: SimulatedHostBridge): void {
  for (const pe of bridge.pes.values()) thawPe(machine, pe, { mmio: true, dma: true });
  if (bridge.state !== 'fenced') return;
  bridge.state = 'working';
  const functions = functionsOnBus(bridge, bridge.rootBus);
  machine.witness.add({ kind: 'fence_cleared', phb: bridge.phb, functions: namesOf(functions) });
}

/** Diagnostic data as the model lays it out: which PEs are stopped, and a few registers that say why. */
function diagBlob({ model = 'phb4', state }: SimulatedHostBridge, frozen: readonly SimulatedPe[]): Uint8Array {
  return encodePhbDiag({
    model,
    version: DIAG_VERSION,
    length: layoutOf(model).length,
    registers: { lemFir: state === 'working' ? 0n : 1n, rootErrorStatus: frozen.length > 0 ? 0x7cn : 0n },
    pest: frozen.map(({ number, mmioFrozen, dmaFrozen }) => ({
      pe: number,
      a: mmioFrozen ? FROZEN : 0n,
      b: dmaFrozen ? FROZEN : 0n,
    })),
    trailing: new Uint8Array(0),
  });
}

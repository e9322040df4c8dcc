import { type Bdf } from '@pci-recovery/core';
import { RTAS, RTAS_STATE, type RtasFirmware } from '../firmware/rtas.js';
import { EEH_OPTION, EEH_RESET } from '../firmware/states.js';
import { ask, call } from './calls.js';
import { freezePe, thawPe } from './freezes.js';
import { functionsBelow, namesOf, type Machine, type SimulatedFunction, type SimulatedPe } from './machine.js';
import { assertReset, releaseReset, type OpenReset } from './resets.js';

const NS_PER_MS = 1e6;
/** A short error log: version and severity, then which PE (big-endian), as a stand-in for PAPR's extended logs. */
const LOG_BYTES = 64;

/** RTAS firmware of a simulated machine. Unlike OPAL it lifts freezes when a reset is taken back. */
export class SimulatedRtas implements RtasFirmware {
  readonly kind = 'rtas';
  readonly #machine: Machine;
  readonly #open = new Map<SimulatedPe, OpenReset>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  configAddress(bdf: Bdf): number | undefined {
    const fn = this.#machine.functions.get(bdf);
    const { address } = ask<{ address: number | undefined }>(
      this.#machine,
      { call: 'configAddress', phb: fn?.pe.phb ?? 0 },
      () => ({ address: undefined }),
      () => ({ address: fn?.pe.number }),
    );
    return address;
  }

  setEehOption(phb: number, pe: number, option: number): number {
    return this.#onPe(
      'setEehOption',
      phb,
      pe,
      (one) => {
        if (option === EEH_OPTION.THAW_MMIO) thawPe(this.#machine, one, { mmio: true, dma: false });
        // Firmware does not let DMA go while registers are stopped.
        if (option === EEH_OPTION.THAW_DMA && one.mmioFrozen) return RTAS.HARDWARE_ERROR;
        if (option === EEH_OPTION.THAW_DMA) thawPe(this.#machine, one, { mmio: false, dma: true });
        return option > EEH_OPTION.THAW_DMA ? RTAS.PARAMETER_ERROR : RTAS.SUCCESS;
      },
      option,
    );
  }

  readSlotResetState(phb: number, pe: number): { status: number; state: number; supported: boolean; wait: number } {
    const failed = (status: number) => ({ status, state: 0, supported: false, wait: 0, rc: status });
    return ask(this.#machine, { call: 'readSlotResetState', phb, pe }, failed, () => {
      const found = this.#machine.bridges.get(phb)?.pes.get(pe);
      if (!found) return failed(RTAS.PARAMETER_ERROR);
      return { status: RTAS.SUCCESS, supported: true, rc: 0, ...this.#state(found) };
    });
  }

  setSlotReset(phb: number, pe: number, option: number): number {
    const act = (one: SimulatedPe): number => {
      if (option === EEH_RESET.HOT || option === EEH_RESET.FUNDAMENTAL) {
        if (!this.#open.has(one)) this.#open.set(one, assertReset(this.#machine, 'pe', this.#reached(one)));
        one.inReset = true;
        return RTAS.SUCCESS;
      }
      if (option !== EEH_RESET.DEACTIVATE) return RTAS.PARAMETER_ERROR;
      const open = this.#open.get(one);
      this.#open.delete(one);
      one.inReset = false;
      for (const pe of new Set([one, ...(open?.functions ?? []).map((fn) => fn.pe)]))
        thawPe(this.#machine, pe, { mmio: true, dma: true });
      if (open) releaseReset(this.#machine, open);
      return RTAS.SUCCESS;
    };
    return this.#onPe('setSlotReset', phb, pe, act, option);
  }

  configurePe(phb: number, pe: number): number {
    return this.#onPe('configurePe', phb, pe, (one) => {
      const functions = namesOf(one.functions);
      this.#machine.witness.add({ kind: 'configured', phb, pe, functions });
      return RTAS.SUCCESS;
    });
  }

  slotErrorDetail(phb: number, pe: number, severity: number): { status: number; log: Uint8Array } {
    const failed = (status: number) => ({ status, log: new Uint8Array(0), rc: status });
    return ask(this.#machine, { call: 'slotErrorDetail', phb, pe }, failed, () => {
      const log = new Uint8Array(LOG_BYTES);
      const view = new DataView(log.buffer);
      view.setUint8(0, 6);
      view.setUint8(1, severity);
      view.setUint32(4, pe);
      this.#machine.witness.add({ kind: 'log_collected', phb, bytes: log.length, functions: [] });
      return { status: RTAS.SUCCESS, log, rc: 0 };
    });
  }

  injectError(phb: number, pe: number): number {
    return this.#onPe('injectError', phb, pe, (one) => {
      freezePe(this.#machine, one, { mmio: true, dma: true });
      return RTAS.SUCCESS;
    });
  }

  allowUnfreeze(physical: Bdf, virtual: readonly Bdf[]): number {
    const fn = this.#machine.functions.get(physical);
    return call(this.#machine, { call: 'allowUnfreeze', phb: fn?.pe.phb ?? 0 }, () => {
      if (!fn) return RTAS.PARAMETER_ERROR;
      this.#machine.witness.add({ kind: 'unfreeze_allowed', functions: virtual });
      return RTAS.SUCCESS;
    });
  }

  #onPe(
    name: 'setEehOption' | 'setSlotReset' | 'configurePe' | 'injectError',
    phb: number,
    pe: number,
    act: (pe: SimulatedPe) => number,
    action?: number,
  ): number {
    return call(this.#machine, { call: name, phb, pe, ...(action !== undefined && { action }) }, () => {
      const found = this.#machine.bridges.get(phb)?.pes.get(pe);
      return found ? act(found) : RTAS.PARAMETER_ERROR;
    });
  }

  #state(pe: SimulatedPe): { state: number; wait: number } {
    if (pe.lost) return { state: RTAS_STATE.UNAVAILABLE, wait: 0 };
    const left = Math.ceil((pe.unavailableUntil - this.#machine.clock.monotonic()) / NS_PER_MS);
    if (left > 0) return { state: RTAS_STATE.UNAVAILABLE, wait: left };
    if (pe.inReset) return { state: RTAS_STATE.RESET, wait: 0 };
    if (pe.mmioFrozen) return { state: RTAS_STATE.STOPPED, wait: 0 };
    return { state: pe.dmaFrozen ? RTAS_STATE.DMA_STOPPED : RTAS_STATE.NORMAL, wait: 0 };
  }

  /** The functions of a PE, and everything below its bridges. */
  #reached(pe: SimulatedPe): SimulatedFunction[] {
    return [...new Set(pe.functions.flatMap((fn) => [fn, ...functionsBelow(fn)]))];
  }
}

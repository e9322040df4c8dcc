import { type Bdf, type Clock } from '@pci-recovery/core';
import {
  OPAL,
  OPAL_ACTION,
  OPAL_ASSERT,
  OPAL_ERROR,
  OPAL_FREEZE,
  OPAL_RESET,
  type OpalFirmware,
} from '../firmware/opal.js';
import { EEH_OPTION, EEH_RESET, EEH_STATE, STATE_OF_OPAL_FREEZE, WORKING } from '../firmware/states.js';
import { PE_STATE, type Pe } from '../pe/pe.js';
import { markIsolated, type PeTree } from '../pe/tree.js';
import { type EehHostPort } from '../port.js';
import { ERRNO } from './errno.js';
import { completeReset, rootReset, type OpalSurroundings } from './opal-reset.js';
import { resetPrimaryBus, resetVirtualFunction } from './bus-reset.js';
import { type EehOps, type EehTimings } from './surroundings.js';
import { type Waiting } from './waiting.js';

/** Milliseconds after which an unavailable PE is asked again (pnv_eeh_get_state). */
const ASK_AGAIN = 1000;

/** Error functions that can be injected: loads, stores and DMA (`enum OpalErrinjectFunc`). */
const LAST_INJECTION = 19;

/**
 * EEH on PowerNV machines: OPAL firmware, PEs by number, host bridges that can be fenced.
 *
 * Source: Linux 7.3 arch/powerpc/platforms/powernv/eeh-powernv.c.
 */
export class PowerNvOps implements EehOps {
  readonly flavour = 'opal';
  readonly knowsHostBridges = true;
  readonly thawsForLog: boolean;
  readonly #port: EehHostPort;
  readonly #firmware: OpalFirmware;
  readonly #around: OpalSurroundings;

  constructor(port: EehHostPort, firmware: OpalFirmware, tree: PeTree, clock: Clock, timings: EehTimings) {
    this.#port = port;
    this.#firmware = firmware;
    const p7iocs = new Set(port.hostBridges.filter(({ model }) => model === 'p7ioc').map(({ phb }) => phb));
    this.#around = { port, firmware, tree, clock, timings, p7iocs, held: new WeakSet() };
    this.thawsForLog = port.hostBridges[0]?.model === 'p7ioc';
  }

  blocksFrozen({ phb }: Pe): boolean {
    return this.#around.p7iocs.has(phb);
  }

  peNumber(bdf: Bdf): number | undefined {
    return this.#port.peNumber(bdf);
  }

  getState(pe: Pe): { state: number; wait: number } {
    const state = pe.number === null ? this.#hostBridgeState(pe) : this.#peState(pe, pe.number);
    return { state, wait: state === EEH_STATE.UNAVAILABLE ? ASK_AGAIN : 0 };
  }

  setOption(pe: Pe, option: number): number {
    const { phb, number } = pe;
    const failed = (rc: number): number => (rc === OPAL.SUCCESS ? 0 : ERRNO.EIO);
    switch (option) {
      case EEH_OPTION.DISABLE:
        return ERRNO.EPERM;
      case EEH_OPTION.ENABLE:
        return 0;
      case EEH_OPTION.THAW_MMIO:
        return failed(this.#firmware.freezeClear(phb, number ?? 0, OPAL_ACTION.MMIO));
      case EEH_OPTION.THAW_DMA:
        return failed(this.#firmware.freezeClear(phb, number ?? 0, OPAL_ACTION.DMA));
      case EEH_OPTION.FREEZE:
        // The kernel does not look whether freezing works.
        this.#firmware.freezeSet(phb, number ?? 0, OPAL_ACTION.ALL);
        return 0;
      default:
        return ERRNO.EINVAL;
    }
  }

  /** Host bridges are reset completely, virtual functions by themselves, everything else by its bus (pnv_eeh_reset). */
  *reset(pe: Pe, option: number): Waiting<number> {
    if (option !== EEH_RESET.DEACTIVATE && option !== EEH_RESET.HOT && option !== EEH_RESET.FUNDAMENTAL) {
      return ERRNO.EINVAL;
    }
    if (pe.number === null) return yield* completeReset(this.#around, pe.phb, option);
    if (option !== EEH_RESET.DEACTIVATE && !this.#injectedErrorsAreCleared(pe.phb)) return ERRNO.EIO;
    if (pe.type === 'vf') return yield* resetVirtualFunction(this.#around, pe, option);
    if (pe.bus === undefined) return ERRNO.EIO;
    const bridge = this.#around.tree.phb(pe.phb)?.bus === pe.bus ? null : pe.bus;
    if (bridge === null) return yield* rootReset(this.#around, pe.phb, option);
    return yield* resetPrimaryBus(this.#around, pe, option);
  }

  /** A P7IOC keeps injected errors when they have struck, and would freeze again at once. */
  #injectedErrorsAreCleared(phb: number): boolean {
    if (!this.#around.p7iocs.has(phb)) return true;
    return this.#firmware.reset({ phb }, OPAL_RESET.PHB_ERROR, OPAL_ASSERT.ASSERT) === OPAL.SUCCESS;
  }

  /** Taken when the PE was found frozen: thawing it for the log would spoil it (pnv_eeh_get_log). */
  takeLog(pe: Pe): Uint8Array | undefined {
    return pe.diag;
  }

  restoreConfig(bdf: Bdf): void {
    const device = this.#around.tree.device(bdf);
    if (device && !device.physical) this.#firmware.reinit(device.pe?.phb ?? 0, bdf);
  }

  injectError(pe: Pe, type: number, func: number, address: bigint, mask: bigint): number {
    if (type !== 0 && type !== 1) return ERRNO.ERANGE;
    if (func < 0 || func > LAST_INJECTION) return ERRNO.ERANGE;
    const rc = this.#firmware.injectError(pe.phb, pe.number ?? 0, type, func, address, mask);
    return rc === OPAL.SUCCESS ? 0 : ERRNO.EIO;
  }

  /**
   * Takes the diagnostic blob of a PE's host bridge and keeps it with the PE, in place of that of an earlier error
   * (pnv_eeh_get_phb_diag).
   */
  takeDiag(pe: Pe): void {
    const { rc, blob } = this.#firmware.diagData(pe.phb);
    pe.diag = rc === OPAL.SUCCESS ? blob : undefined;
  }

  /** Linux pnv_eeh_get_phb_state. */
  #hostBridgeState(pe: Pe): number {
    const { rc, error } = this.#firmware.freezeStatus(pe.phb, 0);
    if (rc !== OPAL.SUCCESS) return EEH_STATE.NOT_SUPPORTED;
    if (error !== OPAL_ERROR.PHB) return WORKING;
    this.#foundFrozen(pe);
    return 0;
  }

  /** Linux pnv_eeh_get_pe_state, pnv_ioda_get_pe_state. While it is being reset a PE counts as working. */
  #peState(pe: Pe, number: number): number {
    if ((pe.state & PE_STATE.RESET) !== 0) return WORKING;
    const { rc, freeze } = this.#firmware.freezeStatus(pe.phb, number);
    const code = rc === OPAL.SUCCESS ? freeze : OPAL_FREEZE.TEMPORARILY_UNAVAILABLE;
    const state = STATE_OF_OPAL_FREEZE[code] ?? EEH_STATE.NOT_SUPPORTED;
    const stopped = EEH_STATE.NOT_SUPPORTED | EEH_STATE.UNAVAILABLE | EEH_STATE.MMIO_ACTIVE | EEH_STATE.DMA_ACTIVE;
    if ((state & stopped) === 0) this.#foundFrozen(pe);
    return state;
  }

  /** Both freezes: isolated from here on, whoever asked, and why. A freeze of only one is not looked at. */
  #foundFrozen(pe: Pe): void {
    if ((pe.state & PE_STATE.ISOLATED) !== 0) return;
    if (pe.number !== null) this.#firmware.freezeSet(pe.phb, pe.number, OPAL_ACTION.ALL);
    markIsolated(pe);
    this.takeDiag(pe);
  }
}

import { type Bdf, type Clock } from '@pci-recovery/core';
import { busyDelay, RTAS, RTAS_STATE, type RtasFirmware } from '../firmware/rtas.js';
import { EEH_LOG, EEH_OPTION, EEH_RESET, EEH_STATE, STATE_OF_RTAS } from '../firmware/states.js';
import { type Pe } from '../pe/pe.js';
import { type EehHostPort } from '../port.js';
import { ERRNO } from './errno.js';
import { type EehOps, type EehTimings } from './surroundings.js';
import { pause, type Waiting } from './waiting.js';

/** EEH_ERR_FUNC_LD_MEM_ADDR, LD_MEM_DATA, ST_MEM_ADDR, ST_MEM_DATA (arch/powerpc/include/uapi/asm/eeh.h). */
const MEMORY_FUNCTIONS: ReadonlySet<number> = new Set([0, 1, 6, 7]);

/** 0 or an error: a status that asks for patience where nobody has any would look like success to whoever asks `< 0`. */
const errorOf = (status: number): number => (status > 0 ? ERRNO.EIO : status);

/** A longer wait than this between two tries to configure a bridge is taken for firmware's mistake. */
const LONGEST_BUSY = 100;

/**
 * EEH on pSeries machines: RTAS firmware, PEs by configuration address, host bridges out of sight.
 *
 * Source: Linux 7.3 arch/powerpc/platforms/pseries/eeh_pseries.c.
 */
export class PSeriesOps implements EehOps {
  readonly flavour = 'rtas';
  readonly knowsHostBridges = false;
  readonly thawsForLog = true;
  readonly #port: EehHostPort;
  readonly #firmware: RtasFirmware;
  readonly #clock: Clock;
  readonly #timings: EehTimings;

  constructor(port: EehHostPort, firmware: RtasFirmware, clock: Clock, timings: EehTimings) {
    this.#port = port;
    this.#firmware = firmware;
    this.#clock = clock;
    this.#timings = timings;
  }

  /** They are blocked, but a reset lifts the freeze. */
  blocksFrozen(): boolean {
    return false;
  }

  /** EEH is enabled for a function when it is probed; where that fails it has none (pseries_eeh_init_edev). */
  peNumber(bdf: Bdf): number | undefined {
    const address = this.#firmware.configAddress(bdf);
    if (address === undefined) return undefined;
    const phb = parseInt(bdf, 16);
    return this.#firmware.setEehOption(phb, address, EEH_OPTION.ENABLE) === RTAS.SUCCESS ? address : undefined;
  }

  getState({ phb, number }: Pe): { state: number; wait: number } {
    // Firmware answers for PEs only; the kernel asks it about address 0, which is none.
    const { status, state, supported, wait } = this.#firmware.readSlotResetState(phb, number ?? 0);
    if (status !== RTAS.SUCCESS) return { state: errorOf(status), wait: 0 };
    if (!supported) return { state: EEH_STATE.NOT_SUPPORTED, wait: 0 };
    if (state === RTAS_STATE.UNAVAILABLE && wait !== 0) return { state: EEH_STATE.UNAVAILABLE, wait };
    return { state: STATE_OF_RTAS[state] ?? EEH_STATE.NOT_SUPPORTED, wait: 0 };
  }

  setOption({ phb, number }: Pe, option: number): number {
    if (option === EEH_OPTION.FREEZE) return 0;
    if (option < EEH_OPTION.DISABLE || option > EEH_OPTION.THAW_DMA) return ERRNO.EINVAL;
    return errorOf(this.#firmware.setEehOption(phb, number ?? 0, option));
  }

  /** Where firmware has no fundamental reset, a hot one has to do (pseries_eeh_phb_reset). */
  *reset({ phb, number }: Pe, option: number): Waiting<number> {
    let rc = this.#firmware.setSlotReset(phb, number ?? 0, option);
    if (option === EEH_RESET.FUNDAMENTAL && rc === RTAS.NOT_SUPPORTED) {
      rc = this.#firmware.setSlotReset(phb, number ?? 0, EEH_RESET.HOT);
    }
    yield pause(this.#clock, option === EEH_RESET.DEACTIVATE ? this.#timings.settle : this.#timings.hold);
    return errorOf(rc);
  }

  takeLog({ phb, number }: Pe, severity: 'temporary' | 'permanent'): Uint8Array | undefined {
    const { status, log } = this.#firmware.slotErrorDetail(phb, number ?? 0, EEH_LOG[severity]);
    return status === RTAS.SUCCESS ? log : undefined;
  }

  /** Tries for 0.2 s at most (pseries_eeh_phb_configure_bridge). */
  *configureBridges({ phb, number }: Pe): Waiting<number> {
    for (let left = this.#timings.configure; left > 0;) {
      const status = this.#firmware.configurePe(phb, number ?? 0);
      if (status === RTAS.SUCCESS) return 0;
      const delay = Math.min(busyDelay(status), LONGEST_BUSY);
      left -= delay;
      if (status < 0 || delay === 0 || left < 0) return status === RTAS.PARAMETER_ERROR ? ERRNO.EINVAL : ERRNO.EIO;
      yield pause(this.#clock, delay);
    }
    return ERRNO.EIO;
  }

  restoreConfig(): void {
    // Firmware has restored what it must in ibm,configure-pe.
  }

  /** Firmware lets virtual functions' PEs be thawed only when it is told to (pseries_notify_resume). */
  resumed(bdf: Bdf): void {
    const { topology } = this.#port;
    const physical = topology.get(bdf)?.physicalFunction;
    const virtual = physical
      ? [bdf]
      : [...topology.functions()].flatMap((fn) => (fn.physicalFunction === bdf ? [fn.bdf] : []));
    if (virtual.length > 0) this.#firmware.allowUnfreeze?.(physical ?? bdf, virtual);
  }

  /**
   * Only loads and stores of memory. The kernel provokes them by an access while memory decoding is off, and never says whether
   * that worked; ours asks firmware and says so.
   */
  injectError({ phb, number }: Pe, type: number, func: number, address: bigint, mask: bigint): number {
    if (type !== 0 && type !== 1) return ERRNO.EINVAL;
    if (!MEMORY_FUNCTIONS.has(func)) return ERRNO.ERANGE;
    if (!this.#firmware.injectError) return ERRNO.ENXIO;
    return this.#firmware.injectError(phb, number ?? 0, type, func, address, mask) === RTAS.SUCCESS ? 0 : ERRNO.EIO;
  }
}

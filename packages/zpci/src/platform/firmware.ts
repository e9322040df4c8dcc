import { wait, type Clock, type OperationFailure } from '@pci-recovery/core';
import { CC, CLP } from '../firmware-codes.js';
import { type ModifyControl, type SetControl, type ZpciHostPort } from '../port.js';
import { type ZpciTimings } from './timings.js';
import { type FunctionState, type ZpciFunction } from './zpci-function.js';

/** How something that was asked of firmware ended. */
export type Done =
  { readonly ok: true } | { readonly ok: false; readonly why: OperationFailure; readonly detail: string };

const DONE: Done = { ok: true };

const hex = (value: number): string => `0x${value.toString(16)}`;

/** What the kernel makes of firmware's commands and instructions, for one machine. */
export class Firmware {
  readonly #port: ZpciHostPort;
  readonly #clock: Clock;
  readonly #timings: ZpciTimings;

  constructor(port: ZpciHostPort, clock: Clock, timings: ZpciTimings) {
    this.#port = port;
    this.#clock = clock;
    this.#timings = timings;
  }

  /**
   * The handle of a function now; undefined when firmware has no such function.
   * Linux 7.3 arch/s390/pci/pci_clp.c:clp_refresh_fh.
   */
  handleOf(fid: number): Done & { readonly fh?: number } {
    const { response, functions } = this.#port.list();
    if (response !== CLP.OK) return failedCommand('List PCI', response);
    const found = functions.find((one) => one.fid === fid);
    return found ? { ok: true, fh: found.fh } : DONE;
  }

  /** The state of a function now; undefined when firmware does not say. Linux 7.3 pci_clp.c:clp_get_state. */
  stateOf(fid: number): FunctionState | undefined {
    const { response, functions } = this.#port.list();
    if (response !== CLP.OK) return undefined;
    const found = functions.find((one) => one.fid === fid);
    return !found ? 'reserved' : found.configured ? 'configured' : 'standby';
  }

  /** Linux 7.3 arch/s390/pci/pci.c:zpci_enable_device, pci_clp.c:clp_enable_fh. */
  async enable(fn: ZpciFunction): Promise<Done> {
    const enabled = await this.#set(fn.fh, 'enable');
    if (enabled.response !== CLP.OK) return failedCommand('Enabling the function', enabled.response);
    if (!fn.mio) {
      fn.updateHandle(enabled.fh);
      return DONE;
    }
    const mapped = await this.#set(enabled.fh, 'enable_mio');
    if (mapped.response === CLP.OK) {
      fn.updateHandle(mapped.fh);
      return DONE;
    }
    await this.#set(enabled.fh, 'disable');
    return failedCommand('Enabling its memory mappings', mapped.response);
  }

  /**
   * `already`: it was disabled before, whatever its handle said.
   * Linux 7.3 arch/s390/pci/pci.c:zpci_disable_device, pci_clp.c:clp_disable_fh.
   */
  async disable(fn: ZpciFunction): Promise<Done & { readonly already?: boolean }> {
    if (!fn.enabled) return DONE;
    const { response, fh } = await this.#set(fn.fh, 'disable');
    if (response === CLP.OK) {
      fn.updateHandle(fh);
      return DONE;
    }
    if (response !== CLP.ALREADY) return failedCommand('Disabling the function', response);
    const refreshed = this.handleOf(fn.fid);
    if (!refreshed.ok) return refreshed;
    if (refreshed.fh === undefined) return { ok: false, why: 'gone', detail: 'Firmware has no such function any more' };
    fn.updateHandle(refreshed.fh);
    return { ok: true, already: true };
  }

  /** Linux 7.3 arch/s390/pci/pci.c:zpci_hot_reset_device, zpci_reenable_device. */
  async hotReset(fn: ZpciFunction, interrupts: boolean): Promise<Done> {
    const disabled = await this.disable(fn);
    if (!disabled.ok) return disabled;
    const enabled = await this.enable(fn);
    if (!enabled.ok) return enabled;
    if (interrupts) {
      const registered = await this.modify(fn, 'register_interrupts');
      if (!registered.ok) return registered;
    }
    const translated = await this.modify(fn, 'register_translation');
    if (!translated.ok) await this.disable(fn);
    return translated;
  }

  /** Linux 7.3 arch/s390/pci/pci_insn.c:zpci_mod_fc. */
  async modify(fn: ZpciFunction, control: ModifyControl): Promise<Done> {
    const { instructionBusyMs, instructionRetries } = this.#timings;
    let answer = this.#port.modify(fn.fh, control);
    for (let tries = 0; answer.cc === CC.BUSY && tries < instructionRetries; tries++) {
      await wait(this.#clock, instructionBusyMs);
      answer = this.#port.modify(fn.fh, control);
    }
    const { cc, status } = answer;
    if (cc === CC.OK) return DONE;
    const why = cc === CC.BUSY ? 'timeout' : cc === CC.INVALID_HANDLE ? 'gone' : 'failed';
    return { ok: false, why, detail: `Modify PCI Function Controls (${control}) gave cc ${cc}, status ${status}` };
  }

  /** Linux 7.3 arch/s390/pci/pci_clp.c:clp_set_pci_fn. */
  async #set(fh: number, control: SetControl): Promise<ReturnType<ZpciHostPort['set']>> {
    const { commandBusyMs, commandRetries } = this.#timings;
    let answer = this.#port.set(fh, control);
    for (let tries = 0; answer.response === CLP.BUSY && tries < commandRetries; tries++) {
      await wait(this.#clock, commandBusyMs);
      answer = this.#port.set(fh, control);
    }
    return answer;
  }
}

const WHY: ReadonlyMap<number, OperationFailure> = new Map([
  [CLP.BUSY, 'timeout'],
  [CLP.INVALID_HANDLE, 'gone'],
]);

const failedCommand = (what: string, response: number): Done & { readonly ok: false } => ({
  ok: false,
  why: WHY.get(response) ?? 'failed',
  detail: `${what} gave response ${hex(response)}`,
});

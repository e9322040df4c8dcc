import { wait, type Awaitable, type Clock, type OperationFailure } from '@pci-recovery/core';
import { CC, CLP, FUNCTION_CONTROLS } from '../firmware-codes.js';
import { type InstructionAnswer, type ModifyControl, type SetControl, type ZpciHostPort } from '../port.js';
import { after } from './after.js';
import { type ZpciTimings } from './timings.js';
import { type FunctionState, type ZpciFunction } from './zpci-function.js';

/** How something that was asked of firmware ended. */
export type Done =
  { readonly ok: true } | { readonly ok: false; readonly why: OperationFailure; readonly detail: string };

/** `already`: nothing had to be done. */
export type Disabled = Done & { readonly already?: boolean };

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
  enable(fn: ZpciFunction): Awaitable<Done> {
    return after(this.#set(fn.fh, 'enable'), (enabled) => {
      if (enabled.response !== CLP.OK) return failedCommand('Enabling the function', enabled.response);
      if (fn.mio) return this.#enableMappings(fn, enabled.fh);
      fn.updateHandle(enabled.fh);
      return DONE;
    });
  }

  /**
   * `already`: it was disabled before, whatever its handle said.
   * Linux 7.3 arch/s390/pci/pci.c:zpci_disable_device, pci_clp.c:clp_disable_fh.
   */
  disable(fn: ZpciFunction): Awaitable<Disabled> {
    if (!fn.enabled) return DONE;
    return after(this.#set(fn.fh, 'disable'), ({ response, fh }): Disabled => {
      if (response === CLP.ALREADY) return this.#disabledBefore(fn);
      if (response !== CLP.OK) return failedCommand('Disabling the function', response);
      fn.updateHandle(fh);
      return DONE;
    });
  }

  /** Linux 7.3 arch/s390/pci/pci.c:zpci_hot_reset_device, zpci_reenable_device. */
  hotReset(fn: ZpciFunction, interrupts: boolean): Awaitable<Done> {
    const registering = (): Awaitable<Done> => (interrupts ? this.modify(fn, 'register_interrupts') : DONE);
    return succeeding(this.disable(fn), () =>
      succeeding(this.enable(fn), () => succeeding(registering(), () => this.#registerTranslation(fn))),
    );
  }

  /** Linux 7.3 arch/s390/pci/pci_insn.c:zpci_mod_fc. */
  modify(fn: ZpciFunction, control: ModifyControl): Awaitable<Done> {
    return after(
      this.#instruct(() => this.#port.modify(fn.fh, control)),
      ({ cc, status }): Done => {
        if (cc === CC.OK) return DONE;
        const why = cc === CC.BUSY ? 'timeout' : cc === CC.INVALID_HANDLE ? 'gone' : 'failed';
        return { ok: false, why, detail: `Modify PCI Function Controls (${control}) gave cc ${cc}, status ${status}` };
      },
    );
  }

  /** Whether a function is in the error state, or blocked; undefined when firmware does not say. */
  inError(fn: ZpciFunction): Awaitable<boolean | undefined> {
    return after(
      this.#instruct(() => this.#port.controls(fn.fh)),
      ({ cc, controls }) =>
        cc === CC.OK ? (controls & (FUNCTION_CONTROLS.ERROR | FUNCTION_CONTROLS.BLOCKED)) !== 0 : undefined,
    );
  }

  /** What cannot have them is disabled again. (The kernel means to, and looks at the handle from before: it does not.) */
  #enableMappings(fn: ZpciFunction, fh: number): Awaitable<Done> {
    return after(this.#set(fh, 'enable_mio'), (mapped) => {
      if (mapped.response === CLP.OK) {
        fn.updateHandle(mapped.fh);
        return DONE;
      }
      const failed = failedCommand('Enabling its memory mappings', mapped.response);
      return after(this.#set(fh, 'disable'), (disabled) => {
        // Where that failed it is enabled with this handle.
        fn.updateHandle(disabled.response === CLP.OK ? disabled.fh : fh);
        return failed;
      });
    });
  }

  #disabledBefore(fn: ZpciFunction): Disabled {
    const { fh, ...refreshed } = this.handleOf(fn.fid);
    if (!refreshed.ok) return refreshed;
    if (fh === undefined) return { ok: false, why: 'gone', detail: 'Firmware has no such function any more' };
    fn.updateHandle(fh);
    return { ok: true, already: true };
  }

  #registerTranslation(fn: ZpciFunction): Awaitable<Done> {
    return after(this.modify(fn, 'register_translation'), (done) =>
      done.ok ? done : after(this.disable(fn), () => done),
    );
  }

  /** Linux 7.3 arch/s390/pci/pci_clp.c:clp_set_pci_fn. */
  #set(fh: number, control: SetControl): Awaitable<ReturnType<ZpciHostPort['set']>> {
    const { commandBusyMs, commandRetries } = this.#timings;
    return this.#patiently(
      () => this.#port.set(fh, control),
      ({ response }) => response === CLP.BUSY,
      commandBusyMs,
      commandRetries,
    );
  }

  #instruct<A extends InstructionAnswer>(ask: () => A): Awaitable<A> {
    const { instructionBusyMs, instructionRetries } = this.#timings;
    return this.#patiently(ask, ({ cc }) => cc === CC.BUSY, instructionBusyMs, instructionRetries);
  }

  /** Asks again while the answer is busy; answers at once when it is not. */
  #patiently<A>(ask: () => A, busy: (answer: A) => boolean, ms: number, most: number): Awaitable<A> {
    const first = ask();
    return busy(first) ? this.#again(first, ask, busy, ms, most) : first;
  }

  async #again<A>(first: A, ask: () => A, busy: (answer: A) => boolean, ms: number, most: number): Promise<A> {
    let answer = first;
    for (let tries = 0; busy(answer) && tries < most; tries++) {
      await wait(this.#clock, ms);
      answer = ask();
    }
    return answer;
  }
}

/** Goes on only after success. */
const succeeding = (done: Awaitable<Done>, next: () => Awaitable<Done>): Awaitable<Done> =>
  after(done, (one) => (one.ok ? next() : one));

const WHY: ReadonlyMap<number, OperationFailure> = new Map([
  [CLP.BUSY, 'timeout'],
  [CLP.INVALID_HANDLE, 'gone'],
]);

const failedCommand = (what: string, response: number): Done & { readonly ok: false } => ({
  ok: false,
  why: WHY.get(response) ?? 'failed',
  detail: `${what} gave response ${hex(response)}`,
});

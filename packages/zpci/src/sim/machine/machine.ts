import { isPciRecoveryError, PciRecoveryError, type Bdf, type Clock } from '@pci-recovery/core';
import { AVAILABILITY, encodeCcdfAvailability, encodeCcdfError, type CcdfError } from '../../ccdf/index.js';
import { type FunctionState } from '../../platform/zpci-function.js';
import { CONTENT_CODE } from '../../port.js';
import { FaultBook } from '../faults.js';
import { WitnessLog } from '../witness-log.js';
import { type FunctionDescription, type ZpciMachineDescription } from './description.js';
import { NotificationLine } from './notification-line.js';
import { SimulatedFunction } from './simulated-function.js';

/** The machine: its functions, its script, its witness, and the line on which it reports. */
export class Machine {
  readonly clock: Clock;
  readonly log: WitnessLog;
  readonly faults = new FaultBook();
  readonly notifications = new NotificationLine();
  readonly keepsHandles: boolean;
  readonly #byFid = new Map<number, SimulatedFunction>();
  #functions = 0;

  /** @throws PciRecoveryError `ERR_PCI_SIM_BAD_MACHINE` */
  constructor({ clock, functions, handles, log }: ZpciMachineDescription) {
    this.clock = clock;
    this.log = new WitnessLog(clock, log);
    this.keepsHandles = handles === 'keep';
    for (const description of functions) this.add(description);
  }

  /** @throws PciRecoveryError `ERR_PCI_SIM_BAD_MACHINE` for a number out of its range, an id or address that is there. */
  add(description: FunctionDescription): SimulatedFunction {
    const { fid, bdf, vendor = 1, device = 0 } = description;
    const refuse = (why: string): PciRecoveryError =>
      new PciRecoveryError('ERR_PCI_SIM_BAD_MACHINE', `Function ${fid} cannot be there: ${why}.`, {
        context: { fid, bdf },
      });
    if (!Number.isInteger(fid) || fid < 0 || fid > 0xffff_ffff) throw refuse('its id is not a 32-bit number');
    if (![vendor, device].every((id) => Number.isInteger(id) && id >= 0 && id <= 0xffff)) {
      throw refuse('vendor and device are 16-bit numbers');
    }
    let fn: SimulatedFunction;
    try {
      fn = new SimulatedFunction(description, this.#functions);
    } catch (error) {
      if (isPciRecoveryError(error)) throw refuse(`"${bdf}" is no address`);
      throw error;
    }
    if (this.#byFid.has(fid)) throw refuse('there is one with that id');
    if (this.atBdf(fn.bdf)) throw refuse(`there is one at ${fn.bdf}`);
    this.#functions++;
    this.#byFid.set(fid, fn);
    return fn;
  }

  remove(fn: SimulatedFunction): void {
    this.#byFid.delete(fn.fid);
  }

  functions(): IterableIterator<SimulatedFunction> {
    return this.#byFid.values();
  }

  byFid(fid: number): SimulatedFunction | undefined {
    return this.#byFid.get(fid);
  }

  atBdf(bdf: Bdf): SimulatedFunction | undefined {
    for (const fn of this.#byFid.values()) if (fn.bdf === bdf) return fn;
    return undefined;
  }

  /** The function that a handle stands for; reserved ones have none. */
  byHandle(fh: number): SimulatedFunction | undefined {
    for (const fn of this.#byFid.values()) if (fn.fh === fh && fn.state !== 'reserved') return fn;
    return undefined;
  }

  /** @throws PciRecoveryError `ERR_PCI_SIM_NO_FUNCTION` */
  need(fid: number): SimulatedFunction {
    const fn = this.#byFid.get(fid);
    if (fn) return fn;
    throw new PciRecoveryError('ERR_PCI_SIM_NO_FUNCTION', `The machine has no function with id ${fid}.`, {
      context: { fid },
    });
  }

  setState(fn: SimulatedFunction, to: FunctionState): void {
    if (fn.state === to) return;
    this.log.add(fn, { kind: 'state', from: fn.state, to });
    fn.state = to;
  }

  /** Reports an error. */
  reportError(fn: SimulatedFunction, record: Partial<CcdfError> & { readonly pec: number }): void {
    this.#report(fn, CONTENT_CODE.ERROR, encodeCcdfError({ fh: fn.fh, fid: fn.fid, ...record }), record.pec);
  }

  /** Reports that a function's availability changed. */
  reportAvailability(fn: SimulatedFunction, pec: number, fh = fn.fh): void {
    this.#report(fn, CONTENT_CODE.AVAILABILITY, encodeCcdfAvailability({ fh, fid: fn.fid, pec }), pec);
  }

  /** Reports that anything may have changed: no handle and no id are stored. */
  reportAny(fn: SimulatedFunction): void {
    this.#report(fn, CONTENT_CODE.AVAILABILITY, encodeCcdfAvailability({ pec: AVAILABILITY.ANY }), AVAILABILITY.ANY);
  }

  #report(fn: SimulatedFunction, contentCode: number, ccdf: Uint8Array, pec: number): void {
    const lost = this.faults.strike('notification_lost', fn.fid) !== undefined;
    this.log.add(fn, { kind: 'notification', contentCode, pec, lost });
    if (!lost) this.notifications.raise({ contentCode, ccdf });
  }
}

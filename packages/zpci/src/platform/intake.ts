import { isPciRecoveryError, type Clock } from '@pci-recovery/core';
import { decodeCcdfAvailability, decodeCcdfError, errorClass, type CcdfAvailability } from '../ccdf/index.js';
import { CONTENT_CODE, type ZpciHostPort, type ZpciNotification } from '../port.js';
import { plainCcdf, type ZpciEvent, type ZpciRecord } from '../record.js';
import { type ZpciCounters } from './counters.js';
import { ErrorQueue } from './error-queue.js';
import { EventMaker } from './event-maker.js';
import { type FunctionTable } from './function-table.js';
import { type ZpciHappening } from './happening.js';
import { type ZpciFunction } from './zpci-function.js';

/** What taking in notifications needs. */
export interface IntakeSurroundings {
  /** Of the platform. */
  readonly name: string;
  readonly port: ZpciHostPort;
  readonly clock: Clock;
  readonly table: FunctionTable;
  readonly counters: ZpciCounters;
  readonly happened: (happening: ZpciHappening) => void;
  /** Changes functions as an availability event says. */
  readonly change: (ccdf: CcdfAvailability) => Promise<void>;
}

/** Makes events of errors, has availability events done, and refuses what makes no sense. */
export class Intake {
  /** Errors on their way to the engine. */
  readonly queue = new ErrorQueue();
  readonly #around: IntakeSurroundings;
  readonly #events: EventMaker;

  constructor(around: IntakeSurroundings) {
    this.#around = around;
    this.#events = new EventMaker(around.name, around.clock);
  }

  /** Takes them in until `signal` aborts. The kernel handles one notification after the other. */
  async take(signal: AbortSignal): Promise<void> {
    try {
      const { port } = this.#around;
      for await (const notification of port.notifications({ signal })) await this.#notified(notification, signal);
    } catch (error) {
      this.queue.fail(error);
    }
  }

  /** Linux drivers/s390/cio/chsc.c:chsc_process_sei_nt2. */
  async #notified({ contentCode, ccdf }: ZpciNotification, signal: AbortSignal): Promise<void> {
    try {
      if (contentCode === CONTENT_CODE.ERROR) return this.#errorNotified(ccdf);
      if (contentCode === CONTENT_CODE.AVAILABILITY) return await this.#available(ccdf, signal);
      this.#malformed(contentCode, ccdf, `Content code ${contentCode} is not known.`);
    } catch (error) {
      if (!isPciRecoveryError(error)) throw error;
      this.#malformed(contentCode, ccdf, error.message);
    }
  }

  #malformed(contentCode: number, ccdf: Uint8Array, why: string): void {
    this.#around.happened({ what: 'malformed', contentCode, bytes: Buffer.from(ccdf).toString('hex'), why });
  }

  /** Linux 7.3 pci_event.c:__zpci_event_error. */
  #errorNotified(bytes: Uint8Array): void {
    const ccdf = decodeCcdfError(bytes);
    const { fid, fh, pec } = ccdf;
    const fn = this.#around.table.get(fid);
    if (!fn?.present) return this.#around.happened({ what: 'dropped', fid, pec, why: fn ? 'absent' : 'unknown' });
    const record: ZpciRecord = { origin: 'event', class: errorClass(pec), fid, fh, ccdf: plainCcdf(ccdf) };
    this.#around.counters[record.class]++;
    this.queue.push(this.#events.make(fn, record, new Uint8Array(bytes)));
  }

  async #available(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const ccdf = decodeCcdfAvailability(bytes);
    this.#around.counters.availability++;
    // Errors from before come first: their recoveries have begun, or wait, when the function changes.
    await this.queue.taken(signal);
    await this.#around.change(ccdf);
  }

  /** A function that was found in the error state, without a record. */
  silent(fn: ZpciFunction): ZpciEvent {
    this.#around.counters.recoverable++;
    fn.foundWith = fn.fh;
    return this.#events.make(fn, { origin: 'survey', class: 'recoverable', fid: fn.fid, fh: fn.fh });
  }
}

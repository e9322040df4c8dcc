import {
  EventStream,
  TOKENS,
  type Answer,
  type Awaitable,
  type Bdf,
  type Capability,
  type ChannelState,
  type Clock,
  type DeviceRef,
  type ErrorEvent,
  type Operation,
  type OperationResult,
  type RecoveryPlatform,
  type RecoveryScope,
  type Stoppable,
  type Telling,
  type Voting,
} from '@pci-recovery/core';
import { inject, injectable, optional } from 'inversify';
import { AVAILABILITY, type CcdfAvailability } from '../ccdf/index.js';
import { type ZpciHostPort } from '../port.js';
import { recordOf } from '../procedure/common.js';
import { zpciHostProcedure } from '../procedure/host.js';
import { type ZpciEvent } from '../record.js';
import { ZPCI_TOKENS } from '../tokens.js';
import { countedVote, UEVENT_OF_VOTE } from '../votes.js';
import { after } from './after.js';
import { Availability } from './availability.js';
import { checkedTimings } from './check-timings.js';
import { freshCounters, type ZpciCounters } from './counters.js';
import { Firmware } from './firmware.js';
import { FunctionTable } from './function-table.js';
import { type ZpciHappening } from './happening.js';
import { Intake } from './intake.js';
import {
  clearErrorState,
  hotReset,
  refreshHandle,
  storeRecord,
  unblockLoadStore,
  type Said,
} from './host-operations.js';
import { scopeOfFunction } from './scope.js';
import { ZPCI_KERNEL_TIMINGS, type ZpciTimings } from './timings.js';
import { type FunctionState, type ZpciFunction } from './zpci-function.js';

/** What can be set differently. */
export interface ZpciPlatformOptions {
  /** Default: `zpci`. */
  readonly name?: string;
  /** Default: {@link ZPCI_KERNEL_TIMINGS}. */
  readonly timings?: ZpciTimings;
  /**
   * Runs what an availability event does to a function while no recovery touches it: `RecoveryEngine.exclusive` of the
   * engine that has this platform. Default: at once, and a recovery under way finds its function gone.
   */
  readonly exclusively?: (scope: RecoveryScope, work: () => Promise<void>) => Promise<void>;
  /** Told of everything that is no error. What it throws is ignored. */
  readonly observe?: (happening: ZpciHappening) => void;
}

/** What is known of a function. */
export interface FunctionView {
  readonly fid: number;
  readonly bdf: Bdf;
  readonly state: FunctionState;
  readonly fh: number;
  /** Drivers see it. */
  readonly present: boolean;
  readonly generation: number;
  readonly channel: ChannelState;
  /** Somebody holds it through VFIO. */
  readonly mediated: boolean;
  /** Records that its holder has not read. */
  readonly pending: number;
}

/**
 * zPCI in host mode: takes the notifications of the machine, knows its functions, and performs what the kernel does with
 * firmware's commands and instructions.
 */
@injectable()
export class ZpciPlatform implements RecoveryPlatform {
  readonly name: string;
  readonly procedure = zpciHostProcedure;
  readonly capabilities: Readonly<Record<string, Capability>> = { unblock_load_store: true, hot_reset: true };
  /** What was seen so far. */
  readonly counters: ZpciCounters = freshCounters();
  readonly #port: ZpciHostPort;
  readonly #options: ZpciPlatformOptions;
  readonly #firmware: Firmware;
  readonly #table = new FunctionTable();
  readonly #availability: Availability;
  readonly #intake: Intake;

  /** @throws PciRecoveryError `ERR_PCI_BAD_SETTING` for timings that are no numbers from 0. */
  constructor(
    @inject(ZPCI_TOKENS.port) port: ZpciHostPort,
    @inject(TOKENS.clock) clock: Clock,
    @inject(ZPCI_TOKENS.options) @optional() options: ZpciPlatformOptions = {},
  ) {
    this.name = options.name ?? 'zpci';
    this.#port = port;
    this.#options = options;
    this.#firmware = new Firmware(port, clock, checkedTimings(options.timings ?? ZPCI_KERNEL_TIMINGS));
    const happened = (happening: ZpciHappening): void => this.#happened(happening);
    this.#availability = new Availability({ port, firmware: this.#firmware, table: this.#table, happened });
    this.#intake = new Intake({
      name: this.name,
      port,
      clock,
      table: this.#table,
      counters: this.counters,
      happened,
      change: (ccdf) => this.#change(ccdf),
    });
    this.#availability.discover();
    // Who is enabled already is in use; the others become PCI functions with the survey.
    for (const fn of this.#table.all()) if (fn.state === 'configured' && fn.enabled) this.#table.appear(fn);
  }

  /** Every function that is known, whether drivers see it or not. */
  functions(): FunctionView[] {
    return Array.from(this.#table.all(), viewOf);
  }

  /** The channel of a function as its last recovery left it. */
  channelOf(bdf: Bdf): ChannelState {
    return this.#table.at(bdf)?.channel ?? 'normal';
  }

  /**
   * Somebody opens the function through VFIO: from now on its recovery is theirs, and its records are kept for them.
   * @returns false when there is no such function.
   */
  open(bdf: Bdf): boolean {
    const fn = this.#table.at(bdf);
    fn?.pending.start();
    return fn !== undefined;
  }

  /** Takes the oldest record out of the queue of a function; undefined when there is none (ENOMSG). */
  nextPending(bdf: Bdf): Uint8Array | undefined {
    return this.#table.at(bdf)?.pending.next();
  }

  /**
   * The function is closed again; nothing is done to it. (VFIO resets it then.) @returns how many records nobody has read;
   * they are forgotten.
   */
  close(bdf: Bdf): number {
    const fn = this.#table.at(bdf);
    const unread = fn?.pending.stop() ?? 0;
    if (fn && unread > 0) this.#happened({ what: 'unread', fid: fn.fid, count: unread });
    return unread;
  }

  events({ signal }: Stoppable): AsyncIterable<ZpciEvent> {
    return new EventStream(this.#intake.queue, signal, (until) => this.#intake.take(until));
  }

  /**
   * Enables what is configured and no PCI function yet, as the kernel does when it starts, and looks for functions in the
   * error state; those it leaves as they are.
   */
  async survey(_: Stoppable): Promise<readonly ZpciEvent[]> {
    await this.#availability.look();
    const found: ZpciEvent[] = [];
    for (const fn of [...this.#table.all()]) {
      const inError = fn.present && (await this.#inError(fn));
      // It may have left meanwhile.
      if (inError && fn.present) found.push(this.#intake.silent(fn));
    }
    return found;
  }

  scopeOf(event: ErrorEvent): RecoveryScope {
    const fid = recordOf(event)?.fid;
    const fn = fid === undefined ? this.#table.at(event.device.bdf) : this.#table.get(fid);
    return this.#scope(fid ?? fn?.fid, fn);
  }

  perform(operation: Operation): Awaitable<OperationResult> {
    const { name, device, generation = 0, fid, fh, pec = 0, found } = operation;
    if (name === 'refresh_handle' && fid !== undefined) {
      return this.#refresh({ fid: Number(fid), fh: Number(fh), pec: Number(pec), found: found === true });
    }
    const fn = this.#table.same({ bdf: device as Bdf, generation: Number(generation) });
    if (!fn) {
      if (name === 'refresh_handle') return { ok: true, value: 'unknown' };
      if (name === 'store_record') return { ok: true, value: 'not_mediated' };
      return { ok: false, why: 'gone', detail: 'The function is not there any more' };
    }
    return this.#act(fn, operation);
  }

  /** Linux 7.3 pci_event.c sets the channel before it looks for a driver. */
  beforeCallback(device: DeviceRef, callback: Voting | Telling, channel: ChannelState): void {
    const fn = this.#table.same(device);
    if (fn && callback === 'errorDetected') fn.channel = channel;
  }

  /** Linux 7.3 pci_event.c:zpci_event_notify_error_detected; nothing is sent with `perm_failure`. */
  afterCallback(answer: Answer, callback: Voting | Telling, channel: ChannelState): void {
    // Whoever came in its place was not told.
    if (!this.#table.same(answer)) return;
    if (callback === 'resume') return this.#port.uevent?.(answer.bdf, 'SUCCESSFUL_RECOVERY');
    if (callback !== 'errorDetected' || channel === 'perm_failure' || answer.gave === 'nothing') return;
    const uevent = UEVENT_OF_VOTE[countedVote(answer)];
    if (uevent) this.#port.uevent?.(answer.bdf, uevent);
  }

  /** A measurement event: only looked at, and dropped when its handle is stale. */
  async acknowledge(event: ErrorEvent): Promise<void> {
    const record = recordOf(event);
    if (record) await this.#refresh({ fid: record.fid, fh: record.fh, pec: record.ccdf?.pec ?? 0, found: false });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const fn of this.#table.all()) await fn.alone(() => undefined);
  }

  /** Linux 7.3 pci_event.c:zpci_event_availability. */
  async #change(ccdf: CcdfAvailability): Promise<void> {
    if (ccdf.pec === AVAILABILITY.ANY) return this.#availability.any((fn, work) => this.#undisturbed(fn, work));
    const fn = this.#table.get(ccdf.fid);
    if (!fn) return this.#availability.fresh(ccdf);
    await this.#undisturbed(fn, () => this.#availability.existing(fn, ccdf));
  }

  /** Does something to a function while no recovery does. */
  async #undisturbed(fn: ZpciFunction, work: () => Promise<void>): Promise<void> {
    let begun = false;
    const change = async (): Promise<void> => {
      begun = true;
      await fn.alone(work);
    };
    await this.#options.exclusively?.(this.#scope(fn.fid, fn), change).catch((error: unknown) => {
      // An engine that is closed runs nothing more that could be in the way; what the work throws is told.
      if (begun) throw error;
    });
    if (!begun) await change();
  }

  /** Whatever is not current is dropped as stale (R2.2), also what firmware does not list or cannot be asked for. */
  #refresh(said: Said): Awaitable<OperationResult> {
    const { fid, pec } = said;
    return after(refreshHandle(this.#firmware, this.#table.get(fid), said), (result) => {
      const value = result.ok ? result.value : undefined;
      if (value !== 'current') this.#happened({ what: 'dropped', fid, pec, why: value === 'over' ? 'over' : 'stale' });
      return result;
    });
  }

  #act(fn: ZpciFunction, operation: Operation): Awaitable<OperationResult> {
    switch (operation.name) {
      case 'refresh_handle':
        // There is no record to compare with.
        return this.#refresh({ fid: fn.fid, fh: this.#handleNow(fn), pec: 0, found: true });
      case 'store_record':
        return this.#store(fn, operation);
      case 'unblock_load_store':
        return fn.alone(() => unblockLoadStore(this.#firmware, fn));
      case 'clear_error_state':
        return fn.alone(() => clearErrorState(this.#firmware, fn));
      case 'hot_reset':
        return fn.alone(() => hotReset(this.#firmware, this.#port, fn));
      case 'report_failed':
        this.#port.uevent?.(fn.bdf, 'FAILED_RECOVERY');
        return { ok: true };
      default:
        return { ok: false, why: 'unsupported', detail: `zPCI has no operation "${operation.name}".` };
    }
  }

  #store(fn: ZpciFunction, operation: Operation): OperationResult {
    const result = storeRecord(fn, operation['record']);
    if (result.ok && result.value === 'full') this.counters.overflowed++;
    return result;
  }

  #scope(fid: number | undefined, fn: ZpciFunction | undefined): RecoveryScope {
    const driven = fn?.present === true && this.#port.driverOf(fn.bdf) !== undefined;
    return scopeOfFunction(fid, fn, driven, this.capabilities);
  }

  /** Its error may have disabled it, which changes its handle. */
  #handleNow(fn: ZpciFunction): number {
    fn.updateHandle(this.#firmware.handleOf(fn.fid).fh ?? 0);
    return fn.fh;
  }

  async #inError(fn: ZpciFunction): Promise<boolean> {
    this.#handleNow(fn);
    return (await this.#firmware.inError(fn)) === true;
  }

  #happened(happening: ZpciHappening): void {
    if (happening.what === 'dropped') this.counters[happening.why]++;
    else if (happening.what === 'malformed') this.counters.malformed++;
    else if (happening.what === 'unread') this.counters.unread += happening.count;
    try {
      this.#options.observe?.(happening);
    } catch {
      // Whoever listens disturbs nobody.
    }
  }
}

const viewOf = ({ fid, bdf, state, fh, present, generation, channel, pending }: ZpciFunction): FunctionView => ({
  fid,
  bdf,
  state,
  fh,
  present,
  generation,
  channel,
  mediated: pending.mediated,
  pending: pending.count,
});

import {
  EventQueue,
  EventStream,
  PciRecoveryError,
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
import { CCDF_ERROR_LENGTH, decodeCcdfError, errorClass } from '../ccdf/index.js';
import { type ZpciOwnerPort } from '../owner-port.js';
import { zpciOwnerProcedure } from '../procedure/owner.js';
import { plainCcdf, type ZpciEvent, type ZpciRecord } from '../record.js';
import { checkedOwnerTimings } from './check-timings.js';
import { EventMaker } from './event-maker.js';
import { HeldFunction } from './held-function.js';
import { OWNER_TIMINGS, type OwnerTimings } from './owner-timings.js';

/** What can be set differently. */
export interface ZpciOwnerOptions {
  /** Default: `zpci-owner`. */
  readonly name?: string;
  /** Default: {@link OWNER_TIMINGS}. */
  readonly timings?: OwnerTimings;
}

/** Records that are read for one signal: far more than the kernel keeps. */
const MOST_READ = 64;

/**
 * zPCI in owner mode, for functions that are held through VFIO: takes the signals of their ERR eventfds, reads the
 * records that the host kept, and does what a holder can do: reset and restore.
 */
export class ZpciOwnerPlatform implements RecoveryPlatform {
  readonly name: string;
  readonly procedure = zpciOwnerProcedure;
  readonly capabilities: Readonly<Record<string, Capability>> = {
    unblock_load_store: { absent: 'Only the host can unblock load/store.' },
  };
  readonly #events: EventMaker;
  readonly #held = new Map<Bdf, HeldFunction>();
  readonly #queue = new EventQueue<ZpciEvent>();
  readonly #listening: Disposable[] = [];

  /**
   * @throws PciRecoveryError `ERR_PCI_DUPLICATE_FUNCTION` when two ports are of one address, `ERR_PCI_BAD_SETTING` for
   * timings that are no positive numbers.
   */
  constructor(ports: readonly ZpciOwnerPort[], clock: Clock, options: ZpciOwnerOptions = {}) {
    this.name = options.name ?? 'zpci-owner';
    this.#events = new EventMaker(this.name, clock);
    const timings = checkedOwnerTimings(options.timings ?? OWNER_TIMINGS);
    for (const port of ports) {
      if (this.#held.has(port.bdf)) {
        throw new PciRecoveryError('ERR_PCI_DUPLICATE_FUNCTION', `Two ports are of ${port.bdf}: pass each once.`, {
          context: { bdf: port.bdf },
        });
      }
      const held = new HeldFunction(port, clock, timings, () => this.#events.next);
      this.#held.set(port.bdf, held);
      this.#listening.push(port.onError(() => this.#signalled(held)));
    }
  }

  /** The channel of a function as its last recovery left it. */
  channelOf(bdf: Bdf): ChannelState {
    return this.#held.get(bdf)?.channel ?? 'normal';
  }

  /** Saves the configuration of a function as it is now, to be restored after a reset; not while it cannot be read. */
  save(bdf: Bdf): void {
    this.#held.get(bdf)?.save();
  }

  events({ signal }: Stoppable): AsyncIterable<ZpciEvent> {
    // Signals are heard from the start, consumer or not.
    return new EventStream(this.#queue, signal, () => Promise.resolve());
  }

  /** Records that were kept before we listened, and functions that do not answer. */
  survey(_: Stoppable): Promise<readonly ZpciEvent[]> {
    return Promise.resolve([...this.#held.values()].flatMap((held) => this.#drain(held)));
  }

  scopeOf(event: ErrorEvent): RecoveryScope {
    const held = this.#held.get(event.device.bdf);
    if (!held) return { id: `gone ${event.device.bdf}`, members: [], capabilities: this.capabilities };
    const { fid, bdf, canHotReset } = held.port;
    return {
      id: `fid 0x${fid.toString(16)}`,
      members: [{ bdf, generation: 0, bridge: false, channel: held.channel, driver: false, handles: new Set() }],
      capabilities: { ...this.capabilities, hot_reset: canHotReset },
    };
  }

  async perform(operation: Operation): Promise<OperationResult> {
    const held = this.#held.get(operation['device'] as Bdf);
    if (!held) return { ok: false, why: 'gone', detail: 'The function is not held any more' };
    switch (operation.name) {
      case 'confirm_error':
        return confirm(held, operation);
      case 'vfio_reset':
        return held.reset();
      case 'vfio_hot_reset':
        return held.hotReset();
      case 'restore_config':
        return held.restore();
      case 'enable_bus_master':
        return held.enableBusMaster();
      default:
        return { ok: false, why: 'unsupported', detail: `A holder has no operation "${operation.name}".` };
    }
  }

  beforeCallback({ bdf }: DeviceRef, callback: Voting | Telling, channel: ChannelState): void {
    const held = this.#held.get(bdf);
    if (held && (callback === 'errorDetected' || callback === 'slotReset')) held.channel = channel;
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const listening of this.#listening.splice(0)) listening[Symbol.dispose]();
    return Promise.resolve();
  }

  #signalled(held: HeldFunction): void {
    for (const event of this.#drain(held)) this.#queue.push(event);
  }

  /**
   * Reads records until there are none; one that could not be copied (EFAULT) is lost, those behind it are not. A signal
   * without a record is an error all the same when the function does not answer: its record was dropped, lost, or the
   * kernel is too old to keep any.
   */
  #drain(held: HeldFunction): ZpciEvent[] {
    const events: ZpciEvent[] = [];
    for (let read = 0; read < MOST_READ; read++) {
      const { errno, record } = held.port.nextError();
      if (errno === 'EFAULT') continue;
      if (errno !== 0) break;
      if (record) events.push(this.#recorded(held, record));
    }
    if (events.length === 0 && held.silent) events.push(this.#event(held, this.#unrecorded(held)));
    return events;
  }

  /** A record that makes no sense, or is of another function, is an error all the same; its bytes are kept. */
  #recorded(held: HeldFunction, bytes: Uint8Array): ZpciEvent {
    const whole = bytes.length >= CCDF_ERROR_LENGTH;
    const ccdf = whole ? decodeCcdfError(bytes.subarray(0, CCDF_ERROR_LENGTH)) : undefined;
    if (ccdf?.fid !== held.port.fid) return this.#event(held, this.#unrecorded(held), bytes);
    const { fid, fh, pec } = ccdf;
    const record: ZpciRecord = { origin: 'vfio', class: errorClass(pec), fid, fh, ccdf: plainCcdf(ccdf) };
    return this.#event(held, record, bytes);
  }

  #unrecorded({ port }: HeldFunction): ZpciRecord {
    return { origin: 'vfio', class: 'recoverable', fid: port.fid, fh: port.handle() ?? 0 };
  }

  #event({ port }: HeldFunction, record: ZpciRecord, raw?: Uint8Array): ZpciEvent {
    return this.#events.make({ bdf: port.bdf, generation: 0 }, record, raw);
  }
}

/** Whether there is still something to recover. */
function confirm(held: HeldFunction, { seen, fh }: Operation): OperationResult {
  const over = held.isOver(Number(seen), typeof fh === 'number' ? fh : undefined);
  return { ok: true, value: over ? 'over' : 'error' };
}

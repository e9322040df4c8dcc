import { wait, type Bdf, type ChannelState, type Clock, type OperationResult } from '@pci-recovery/core';
import { type HotResetScope, type SysfsPort, type VfioDevicePort } from '@pci-recovery/core/linux';
import { CONFIG_SIZE, decodeFunction } from '@pci-recovery/pci';
import { inTime } from './in-time.js';
import { operationFailure } from './operation-failure.js';
import { HostRegisters } from './host-registers.js';
import { type AerOwnerTimings } from './owner-timings.js';
import {
  answering,
  changedRegisters,
  registerBytes,
  savedRegisters,
  showsReset,
  statusRegisters,
  type SavedRegister,
} from './saved-registers.js';

/** Pauses between looks at a device double up to that, milliseconds. */
const LONGEST_PAUSE = 1_000;

/** What holding devices takes. */
export interface HoldingSurroundings {
  readonly sysfs: SysfsPort;
  readonly clock: Clock;
  readonly timings: AerOwnerTimings;
  /** Told what does not work, although the rest goes on. */
  readonly trouble: (error: unknown) => void;
}

/** A device that we hold through VFIO, and what we know of it. Calls that go to the device can take as long as the host resets it. */
export class HeldDevice {
  readonly port: VfioDevicePort;
  readonly generation: number;
  channel: ChannelState = 'normal';
  #saved: readonly SavedRegister[] = [];
  #hotReset: HotResetScope | undefined;
  readonly #host: HostRegisters;
  readonly #clock: Clock;
  readonly #timings: AerOwnerTimings;

  constructor(port: VfioDevicePort, generation: number, { sysfs, clock, timings, trouble }: HoldingSurroundings) {
    this.port = port;
    this.generation = generation;
    this.#host = new HostRegisters(sysfs, port.bdf, (what, access) => this.#inTime(what, access), trouble);
    this.#clock = clock;
    this.#timings = timings;
  }

  get bdf(): Bdf {
    return this.port.bdf;
  }

  /** Whom a hot reset would touch, as it was asked last. */
  get hotResetScope(): HotResetScope | undefined {
    return this.#hotReset;
  }

  /**
   * Saves what a reset takes away, as it is now. A device that does not answer is not saved (R2.8): what was saved before stays.
   * @returns whether it answered
   */
  async save(): Promise<boolean> {
    const bytes = await this.#image();
    if (!bytes) return false;
    this.#saved = savedRegisters(decodeFunction(bytes));
    await this.#host.save(bytes);
    return true;
  }

  /** Asks again whom a hot reset would touch. Where the kernel cannot tell, none is possible. */
  async surveyHotReset(): Promise<void> {
    try {
      this.#hotReset = await this.port.hotResetScope();
    } catch (error) {
      const result = operationFailure(error);
      const absent = `The kernel does not say whom a hot reset would touch: ${result.ok ? '' : result.detail}`;
      this.#hotReset = { members: [], allowed: { absent } };
    }
  }

  /** The worst that its own status registers say; `silent` when it does not answer. */
  async status(): Promise<'fatal' | 'nonfatal' | 'clean' | 'silent'> {
    const bytes = await this.#image();
    if (!bytes) return 'silent';
    const { uncorrectableStatus, uncorrectableMask, uncorrectableSeverity } = decodeFunction(bytes).aer?.registers ?? {
      uncorrectableStatus: 0,
      uncorrectableMask: 0,
      uncorrectableSeverity: 0,
    };
    const unmasked = uncorrectableStatus & ~uncorrectableMask;
    if (unmasked === 0) return 'clean';
    return (unmasked & uncorrectableSeverity) !== 0 ? 'fatal' : 'nonfatal';
  }

  /** Waits until it answers. False: it did not in time. Rejects when `signal` aborts. */
  async answers(signal: AbortSignal): Promise<boolean> {
    const until = this.#clock.monotonic() + this.#timings.answer * 1e6;
    for (let pause = this.#timings.poll; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      if (await this.#image()) return true;
      if (this.#clock.monotonic() >= until) return false;
      await wait(this.#clock, pause, signal);
    }
  }

  /** What was saved is lost: somebody has reset it. */
  async wasReset(): Promise<boolean> {
    const bytes = await this.#image();
    return bytes !== undefined && showsReset(this.#saved, bytes);
  }

  /** Writes back what was saved, and interrupts; looks whether the device took it. Command is last: with it the device starts to work. */
  async restore(): Promise<OperationResult> {
    try {
      const found = await this.#image();
      if (!found) return { ok: false, why: 'failed', detail: `${this.bdf} does not answer before the restore.` };
      await this.#host.restore(found, showsReset(this.#saved, found));
      const detail = await this.#writeBack();
      if (detail !== undefined) return { ok: false, why: 'failed', detail };
      await this.#inTime('Setting up interrupts', this.port.rearmInterrupts());
      return { ok: true };
    } catch (error) {
      return operationFailure(error);
    }
  }

  /** @returns what is not as it was */
  async #writeBack(): Promise<string | undefined> {
    for (const register of this.#saved) {
      if (register.before !== undefined) await this.#write({ ...register, value: register.before });
      await this.#write(register);
    }
    const bytes = await this.#image();
    if (!bytes) return `${this.bdf} does not answer after the restore.`;
    const [other] = changedRegisters(this.#saved, bytes);
    return other && `${this.bdf} does not take its ${other.name} register back.`;
  }

  /** Clears error status, so that no later error is blamed on what is over. */
  async clearStatus(): Promise<OperationResult> {
    try {
      for (const register of statusRegisters((await this.#image()) ?? new Uint8Array())) await this.#write(register);
      return { ok: true };
    } catch (error) {
      return operationFailure(error);
    }
  }

  /** Its whole configuration space; undefined when it does not answer. */
  async #image(): Promise<Uint8Array | undefined> {
    try {
      const bytes = await this.#inTime('A read', this.port.readConfig(0, CONFIG_SIZE.extended));
      return answering(bytes) ? bytes : undefined;
    } catch {
      return undefined;
    }
  }

  #write({ offset, width, value }: SavedRegister): Promise<void> {
    return this.#inTime('A write', this.port.writeConfig(offset, registerBytes(value, width)));
  }

  /** An access can wait for a reset of the host's, but not for ever. */
  #inTime<T>(what: string, access: Promise<T>): Promise<T> {
    return inTime(this.#clock, this.#timings.answer, `${what} of ${this.bdf}`, access);
  }
}

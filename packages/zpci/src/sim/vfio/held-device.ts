import { type Bdf, type Capability } from '@pci-recovery/core';
import { type Errno, type ZpciOwnerPort } from '../../owner-port.js';
import { PendingErrors } from '../../platform/pending-errors.js';
import { type ConfigWidth } from '../../port.js';
import { type Machine } from '../machine/machine.js';
import { type SimulatedFunction } from '../machine/simulated-function.js';
import { kernelReset } from './kernel-reset.js';

/** Flags of VFIO_DEVICE_FEATURE (Linux 7.3 include/uapi/linux/vfio.h), and the number of this feature. */
export const FEATURE = { GET: 0x1_0000, SET: 0x2_0000, PROBE: 0x4_0000, ZPCI_ERROR: 13 } as const;

/** Bytes of the argument's header: its size and its flags. */
const FEATURE_HEADER = 8;
/** Bytes of the argument: its header and one pointer. */
const FEATURE_ARGUMENT = 16;

/** The number of a feature in the flags. */
const FEATURE_NUMBER = 0xffff;
const KNOWN_FLAGS = FEATURE_NUMBER | FEATURE.GET | FEATURE.SET | FEATURE.PROBE;

/** What the pointer of the argument points to: a buffer, nothing (0), or an address that nobody has. */
export type FeatureData = Uint8Array | 'null' | 'unmapped';

/** How the kernel behaves to the holder of one function. */
export interface HeldDeviceOptions {
  /** Default: true. */
  readonly canHotReset?: Capability;
  /** The kernel can reset it (sysfs `reset_method` is there). Default: true. */
  readonly resettable?: boolean;
  /** The kernel has feature 13. Default: true. */
  readonly records?: boolean;
}

/**
 * A function as its holder sees it through VFIO of Linux 7.3, on a simulated machine. What the host's handler does to it
 * is done by `SimulatedVfio`.
 */
export class HeldDevice implements ZpciOwnerPort {
  readonly bdf: Bdf;
  readonly fid: number;
  readonly canHotReset: Capability;
  readonly pending = new PendingErrors();
  /** The host's handler holds the function. */
  locked = false;
  resettable: boolean;
  readonly #machine: Machine;
  readonly #records: boolean;
  readonly #listeners = new Set<() => void>();

  constructor(machine: Machine, fn: SimulatedFunction, options: HeldDeviceOptions = {}) {
    this.#machine = machine;
    this.bdf = fn.bdf;
    this.fid = fn.fid;
    this.canHotReset = options.canHotReset ?? true;
    this.resettable = options.resettable ?? true;
    this.#records = options.records ?? true;
    this.pending.start();
    this.#note('open', 0);
  }

  handle(): number | undefined {
    return this.#function?.fh;
  }

  onError(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** The ERR eventfd. */
  signal(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /**
   * VFIO_DEVICE_FEATURE with number 13. A record is taken out of the queue before it is copied: a bad buffer loses it.
   * Linux 7.3 drivers/vfio/pci/vfio_pci_zdev.c:vfio_pci_zdev_feature_err.
   */
  feature(flags: number, argsz: number, data: FeatureData): Errno {
    const errno = this.#feature(flags, argsz, data);
    this.#note('feature', errno);
    return errno;
  }

  nextError(): { readonly errno: Errno; readonly record?: Uint8Array } {
    const record = new Uint8Array(32);
    const errno = this.feature(FEATURE.GET | FEATURE.ZPCI_ERROR, FEATURE_ARGUMENT, record);
    return errno === 0 ? { errno, record } : { errno };
  }

  /** Linux 7.3 drivers/pci/pci.c:pci_try_reset_function, drivers/pci/hotplug/s390_pci_hpc.c:reset_slot. */
  reset(): Errno {
    const errno = this.resettable ? this.#reset() : 'EINVAL';
    this.#note('reset', errno);
    return errno;
  }

  hotReset(): Errno {
    const errno = this.canHotReset === true ? this.#reset() : 'EINVAL';
    this.#note('hot_reset', errno);
    return errno;
  }

  /** Vendor and device are the kernel's own copy. */
  readConfig(offset: number, width: ConfigWidth): number | undefined {
    const fn = this.#function;
    if (!fn || (!fn.answers && offset + width > 4)) return undefined;
    return fn.config.read(offset, width);
  }

  writeConfig(offset: number, width: ConfigWidth, value: number): boolean {
    const fn = this.#function;
    if (!fn?.answers) return false;
    fn.config.write(offset, width, value);
    if (this.#machine.log.writes) this.#machine.log.add(fn, { kind: 'config_write', offset, width, value });
    return true;
  }

  /** The holder closes it. @returns how many records it has not read. */
  close(): number {
    this.#note('close', 0);
    this.#listeners.clear();
    return this.pending.stop();
  }

  get #function(): SimulatedFunction | undefined {
    return this.#machine.byFid(this.fid);
  }

  /** What VFIO looks at before it looks for the feature. Linux 7.3 drivers/vfio/vfio_main.c:vfio_ioctl_device_feature. */
  #feature(flags: number, argsz: number, data: FeatureData): Errno {
    if (argsz < FEATURE_HEADER || (flags & ~KNOWN_FLAGS) !== 0) return 'EINVAL';
    const probing = (flags & FEATURE.PROBE) !== 0;
    if (!probing && (flags & FEATURE.GET) !== 0 && (flags & FEATURE.SET) !== 0) return 'EINVAL';
    if (!this.#records || (flags & FEATURE_NUMBER) !== FEATURE.ZPCI_ERROR) return 'ENOTTY';
    if ((flags & FEATURE.SET) !== 0) return 'EINVAL';
    if (probing) return 0;
    if ((flags & FEATURE.GET) === 0 || argsz < FEATURE_ARGUMENT) return 'EINVAL';
    return this.#takeRecord(data);
  }

  #takeRecord(data: FeatureData): Errno {
    if (data === 'null') return 'EINVAL';
    const record = this.pending.next();
    if (!record) return 'ENOMSG';
    if (data === 'unmapped' || data.length < record.length) return 'EFAULT';
    data.set(record);
    return 0;
  }

  #reset(): Errno {
    if (this.locked) return 'EAGAIN';
    const machine = this.#machine;
    const fn = this.#function;
    if (fn?.state !== 'configured') return 'EIO';
    if (!kernelReset(machine, fn)) return 'EIO';
    // What the kernel restores: memory decoding, no bus master.
    fn.config.write(0x04, 2, 0x0002);
    return 0;
  }

  #note(call: 'open' | 'close' | 'feature' | 'reset' | 'hot_reset', errno: Errno): void {
    this.#machine.log.add({ bdf: this.bdf, fid: this.fid }, { kind: 'vfio', call, errno });
  }
}

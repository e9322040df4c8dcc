import { type Bdf } from '../bdf.js';
import { type Capability } from '../contract/device.js';
import { type Stoppable } from '../contract/platform.js';
import { type Awaitable } from '../plain.js';

/** A function that a hot reset touches (VFIO_DEVICE_GET_PCI_HOT_RESET_INFO; R4.1). */
export interface HotResetMember {
  readonly bdf: Bdf;
  /** Whether its reset is ours to ask for (R4.2). */
  readonly owned: boolean;
}

/** What a hot reset would touch now, and whether it is allowed. The set can change while the machine runs. */
export interface HotResetScope {
  readonly members: readonly HotResetMember[];
  /** Absent: the reason names the functions that are not owned, or says that the kernel offers no hot reset here. */
  readonly allowed: Capability;
}

/**
 * A device that is held through VFIO (include/uapi/linux/vfio.h). Offsets and lengths in bytes.
 *
 * What the kernel refuses is thrown as a `PciRecoveryError` whose context has the errno's name (`errno: 'EAGAIN'`).
 */
export interface VfioDevicePort extends AsyncDisposable {
  readonly bdf: Bdf;
  /** Reads configuration space, little-endian as on the bus. Waits while the kernel resets the link (about 140 ms). */
  readConfig(offset: number, length: number): Promise<Uint8Array>;
  /** Writes configuration space. Waits as {@link readConfig}. */
  writeConfig(offset: number, bytes: Uint8Array): Promise<void>;
  /**
   * Called after signals of the ERR eventfd, with how many there were since the last call, until disposed. The kernel
   * passes neither severity nor source, signals before it resets anything, and signals again for perm_failure.
   */
  onError(listener: (signals: number) => void): Disposable;
  /** The host wants the device back (REQ eventfd): it is let go by disposing of it. */
  onRequest(listener: () => void): Disposable;
  /**
   * VFIO_DEVICE_RESET; tries again with growing pauses while the kernel answers EAGAIN: right after an error its own
   * handler still holds the device.
   */
  reset(options: Stoppable): Promise<void>;
  /**
   * Sets up again the interrupts that this holder has in use (SET_IRQS: off, then on with the same eventfds): a reset takes MSI
   * and MSI-X away, and the kernel writes vectors anew only then. Nothing to do where none are in use.
   */
  rearmInterrupts(): Promise<void>;
  /** What {@link hotReset} would touch now. */
  hotResetScope(): Promise<HotResetScope>;
  /** VFIO_DEVICE_PCI_HOT_RESET with proof of ownership; tries again as {@link reset}. */
  hotReset(options: Stoppable): Promise<void>;
}

/** A stream lost some of its items: the reader was too slow for the kernel's buffer, or for ours. */
export interface Lost {
  readonly kind: 'lost';
  /** How many; undefined: nobody knows. */
  readonly count: number | undefined;
}

/** One `ERROR_EVENT=` uevent of the kernel (drivers/pci/pci-driver.c:pci_uevent_ers). */
export interface ErrorUevent {
  readonly kind: 'error_event';
  readonly bdf: Bdf;
  readonly event: 'BEGIN_RECOVERY' | 'SUCCESSFUL_RECOVERY' | 'FAILED_RECOVERY';
  /** `DEVICE_ONLINE=`. */
  readonly online: boolean;
}

/** A function was found, or went away. */
export interface DeviceUevent {
  readonly kind: 'device';
  readonly bdf: Bdf;
  readonly action: 'add' | 'remove' | 'bind' | 'unbind' | 'change';
}

/** What {@link UeventPort} tells. */
export type PciUevent = ErrorUevent | DeviceUevent | Lost;

/** The kernel's uevents about PCI functions. */
export interface UeventPort {
  /** From the call on, until `signal` aborts. Every call has a subscription of its own. */
  events(options: Stoppable): AsyncIterable<PciUevent>;
}

/** One `ras:aer_event` (include/ras/ras_event.h). */
export interface AerTraceEvent {
  readonly kind: 'aer_event';
  readonly bdf: Bdf;
  readonly severity: 'corrected' | 'nonfatal' | 'fatal';
  /** The kernel's names of the status bits that are set; a fatal one has none. */
  readonly errors: readonly string[];
  /** Header of the offending TLP, four 32-bit words, where it was logged. */
  readonly tlpHeader?: readonly number[];
}

/** The kernel's trace event of AER errors. */
export interface AerTracePort {
  events(options: Stoppable): AsyncIterable<AerTraceEvent | Lost>;
}

/** One line of the kernel's log. */
export interface KernelLogLine {
  readonly kind: 'line';
  /** The kernel's own number of the record. */
  readonly sequence: bigint;
  /** Microseconds since boot, by the log's clock. */
  readonly microseconds: bigint;
  /** 0 (emergency) – 7 (debug). */
  readonly level: number;
  readonly text: string;
}

/** The kernel's log as it grows. */
export interface KernelLogPort {
  events(options: Stoppable): AsyncIterable<KernelLogLine | Lost>;
}

/** Files below `/sys/bus/pci/devices`. */
export interface SysfsPort {
  /** In address order. */
  devices(): Awaitable<readonly Bdf[]>;
  /** An attribute's text without the final newline; undefined where it does not exist. */
  read(bdf: Bdf, attribute: string): Awaitable<string | undefined>;
  /** An attribute's bytes (`config`); undefined where it does not exist. */
  readBytes(bdf: Bdf, attribute: string): Awaitable<Uint8Array | undefined>;
  write(bdf: Bdf, attribute: string, text: string): Awaitable<void>;
  /** Writes bytes of an attribute (`config`) at a byte offset, in one call. Absent: it cannot be done. */
  writeBytes?(bdf: Bdf, attribute: string, offset: number, bytes: Uint8Array): Awaitable<void>;
  /** The last name of what a link points to (`driver`, `iommu_group`); undefined where there is none. */
  link(bdf: Bdf, name: string): Awaitable<string | undefined>;
  /** The address of the function above, by the device path; undefined below a root bus. */
  parent(bdf: Bdf): Awaitable<Bdf | undefined>;
}

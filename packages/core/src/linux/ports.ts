import { type Bdf } from '../bdf.js';
import { type Awaitable } from '../plain.js';

/** A device that is held through VFIO (include/uapi/linux/vfio.h). Offsets and lengths in bytes. */
export interface VfioDevicePort extends AsyncDisposable {
  readonly bdf: Bdf;
  /** Reads configuration space, little-endian as on the bus. */
  readConfig(offset: number, length: number): Uint8Array;
  writeConfig(offset: number, bytes: Uint8Array): void;
  /** Called once per signal of the ERR eventfd, until disposed. The kernel passes neither severity nor source. */
  onError(listener: () => void): Disposable;
  /** VFIO_DEVICE_RESET; retries while the kernel answers EAGAIN. */
  reset(options: { readonly signal: AbortSignal }): Promise<void>;
}

/** One `ERROR_EVENT=` uevent of the kernel (drivers/pci/pci-driver.c:pci_uevent_ers). */
export interface ErrorUevent {
  readonly bdf: Bdf;
  readonly event: 'BEGIN_RECOVERY' | 'SUCCESSFUL_RECOVERY' | 'FAILED_RECOVERY';
}

/** The kernel's uevents. */
export interface UeventPort {
  /** From the call on, until `signal` aborts. */
  errors(options: { readonly signal: AbortSignal }): AsyncIterable<ErrorUevent>;
}

/** Files below `/sys/bus/pci`. */
export interface SysfsPort {
  devices(): Awaitable<readonly Bdf[]>;
  /** An attribute's text without the final newline; undefined where it does not exist. */
  read(bdf: Bdf, attribute: string): Awaitable<string | undefined>;
  write(bdf: Bdf, attribute: string, text: string): Awaitable<void>;
}

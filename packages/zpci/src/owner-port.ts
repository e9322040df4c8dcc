import { type Bdf, type Capability } from '@pci-recovery/core';
import { type ConfigWidth } from './port.js';

/** What a call of the kernel answers: 0, or the name of an error. */
export type Errno = 0 | `E${Uppercase<string>}`;

/**
 * What the zPCI platform needs of a function that is held through VFIO. Calls answer at once and never throw.
 *
 * Source: Linux 7.3 include/uapi/linux/vfio.h, drivers/vfio/pci/vfio_pci_zdev.c.
 */
export interface ZpciOwnerPort {
  readonly bdf: Bdf;
  /** Function id (`function_id` in sysfs). */
  readonly fid: number;
  /** The function handle now (`fh` of VFIO_DEVICE_INFO_CAP_ZPCI_BASE); undefined when it cannot be read. */
  handle(): number | undefined;
  /** Called once per signal of the ERR eventfd, until disposed. */
  onError(listener: () => void): Disposable;
  /**
   * VFIO_DEVICE_FEATURE_ZPCI_ERROR (13), GET, into a buffer of `ccdf_err_length` bytes: ENOMSG when there is no record
   * (R2.3, R2.4).
   */
  nextError(): { readonly errno: Errno; readonly record?: Uint8Array };
  /** VFIO_DEVICE_RESET: EAGAIN while the host still holds the function; EINVAL, ENOTTY when it cannot be reset so. */
  reset(): Errno;
  /** Whether everything that a hot reset touches is held, too (R4.2). */
  readonly canHotReset: Capability;
  /** VFIO_DEVICE_PCI_HOT_RESET. */
  hotReset(): Errno;
  /** Little-endian register read at a byte offset; undefined when the function does not answer (ENODEV). */
  readConfig(offset: number, width: ConfigWidth): number | undefined;
  /** Register write; false when it was lost. */
  writeConfig(offset: number, width: ConfigWidth, value: number): boolean;
}

import { type Capability, PciRecoveryError } from '@pci-recovery/core';
import { errnoName, failedWith } from '../../seam/errno.js';
import { type SyscallResult } from '../../seam/syscalls.js';
import { deviceFeature, zpciError } from '../../uapi/device-feature.js';
import { type DeviceInfo } from '../../uapi/device-info.js';
import { type ZpciBase } from '../../uapi/zpci-capabilities.js';
import { type KernelFile } from '../kernel-file.js';

/** VFIO_DEVICE_FEATURE (drivers/vfio/vfio_main.c:vfio_ioctl_device_feature). Numbers: `DEVICE_FEATURE`. */
export class DeviceFeatures {
  readonly #file: KernelFile;

  constructor(file: KernelFile) {
    this.#file = file;
  }

  /** Whether the device has a feature, and whether it can be got or set. */
  probe(feature: number, how: { readonly get?: boolean; readonly set?: boolean } = {}): Capability {
    const result = this.#file.ioctl(deviceFeature.request, deviceFeature.probe(feature, how));
    if (result >= 0) return true;
    if (failedWith(result, 'ENOTTY')) return { absent: `feature ${feature} is unknown to the device or the kernel` };
    if (failedWith(result, 'EINVAL')) return { absent: `feature ${feature} cannot be used that way` };
    return { absent: `feature ${feature} cannot be probed: ${errnoName(result)}` };
  }

  /**
   * @param data what the feature takes as input, or how many bytes it answers
   * @returns its data, a copy
   * @throws PciRecoveryError `ERR_PCI_UNSUPPORTED` (ENOTTY), and what else the kernel refused
   */
  get(feature: number, data: Uint8Array | number): Uint8Array {
    const argument = deviceFeature.get(feature, data);
    this.#file.check(deviceFeature.request, this.#file.ioctl(deviceFeature.request, argument), { feature });
    return deviceFeature.decodeReply(argument, feature).slice();
  }

  /** Throws as {@link get}. */
  set(feature: number, data: Uint8Array): void {
    const result = this.#file.ioctl(deviceFeature.request, deviceFeature.set(feature, data));
    this.#file.check(deviceFeature.request, result, { feature });
  }
}

/** What an s390 function says of itself; undefined for other functions. */
export const zpciBaseOf = ({ capabilities }: DeviceInfo): ZpciBase | undefined =>
  capabilities.find((capability): capability is ZpciBase => capability.kind === 'zpci-base');

/** A record, or the errno of the call. */
export type ZpciErrorAnswer = { readonly result: SyscallResult; readonly record?: Uint8Array };

/**
 * Takes the oldest pending error of an s390 function: VFIO_DEVICE_FEATURE_ZPCI_ERROR, GET (R2.3, R2.4).
 *
 * The kernel takes the record out of its queue before it writes it: with an address that it cannot write (EFAULT) the
 * record is lost (drivers/vfio/pci/vfio_pci_zdev.c:vfio_pci_zdev_feature_err). So the buffer is always ours: allocated
 * here, outside of the collected heap, with the length that the kernel told in `ccdf_err_length`, never less than the 32
 * bytes that it writes whatever it told; and it is held until the call is over.
 */
export function takeZpciError(file: KernelFile, { ccdfErrLength }: ZpciBase): ZpciErrorAnswer {
  if (ccdfErrLength === undefined) {
    throw new PciRecoveryError(
      'ERR_PCI_UNSUPPORTED',
      'The kernel tells no length of error records (ccdf_err_length): it takes Linux 7.3.',
      { context: file.context },
    );
  }
  const record = new Uint8Array(new ArrayBuffer(ccdfErrLength));
  const result = file.ioctl(zpciError.request, zpciError.encodeRequest(file.syscalls.addressOf(record)));
  return result < 0 ? { result } : { result, record };
}

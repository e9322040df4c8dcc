import { type Bdf, type Capability, describeError, isPciRecoveryError, PciRecoveryError } from '@pci-recovery/core';
import { readZpciAttributes } from '../../host/sysfs/zpci-attributes.js';
import { Sysfs } from '../../host/sysfs/sysfs.js';
import { errnoName } from '../../seam/errno.js';
import { type SyscallResult } from '../../seam/syscalls.js';
import { takeZpciError } from '../features/device-features.js';
import { type VfioDevice } from '../vfio-device.js';

/** What a call answers: 0, or the name of an error. */
export type ZpciErrno = 0 | `E${Uppercase<string>}`;

const named = (result: SyscallResult): ZpciErrno => (result < 0 ? (errnoName(result) as ZpciErrno) : 0);

/** The errno of a call that was not even made. */
function errnoOf(error: unknown): ZpciErrno {
  const { code = '', context = {} } = isPciRecoveryError(error) ? error : {};
  if (typeof context['errno'] === 'string') return context['errno'] as ZpciErrno;
  return code === 'ERR_PCI_UNSUPPORTED' ? 'ENOTTY' : code === 'ERR_PCI_CLOSED' ? 'EBADF' : 'EIO';
}

/** Little-endian, as on the bus. */
const toBytes = (value: number, width: number): Uint8Array =>
  Uint8Array.from({ length: width }, (_, at) => (value >>> (8 * at)) & 0xff);

const fromBytes = (bytes: Uint8Array): number => bytes.reduceRight((value, byte) => ((value << 8) | byte) >>> 0, 0);

/**
 * An s390 function that is held through VFIO (R2.4, R2.5, R2.7, R2.9): calls answer at once and never throw, which is fair here
 * because they take 1 ms at most. It is a `ZpciOwnerPort` of the zPCI backend. The device stays its owner's to close.
 *
 * What the kernel does (drivers/vfio/pci/vfio_pci_zdev.c, arch/s390/pci/pci_event.c): it signals the ERR eventfd before its own
 * handler is done, so a reset right after it answers EAGAIN for up to 12 ms; a reset gives the function a new handle and
 * leaves the queue of pending errors as it was; in the error state configuration space answers ENODEV except for what is
 * virtualised (vendor, device), and mappings EIO.
 */
export class ZpciFunction {
  readonly device: VfioDevice;
  /** Function id. */
  readonly fid: number;

  constructor(device: VfioDevice, fid: number) {
    this.device = device;
    this.fid = fid;
  }

  /**
   * With the function id that sysfs tells.
   * @throws PciRecoveryError `ERR_PCI_UNSUPPORTED` when it is no zPCI function
   */
  static async of(device: VfioDevice, sysfs: Sysfs = new Sysfs()): Promise<ZpciFunction> {
    const attributes = await readZpciAttributes(sysfs, device.bdf);
    if (attributes?.functionId !== undefined) return new ZpciFunction(device, attributes.functionId);
    throw new PciRecoveryError(
      'ERR_PCI_UNSUPPORTED',
      `${device.bdf} is no zPCI function: sysfs has no function_id of it.`,
      {
        context: { bdf: device.bdf },
      },
    );
  }

  get bdf(): Bdf {
    return this.device.bdf;
  }

  /** Its handle now: every reset gives it a new one. Undefined: it cannot be read, or the kernel is older than 5.18. */
  handle(): number | undefined {
    try {
      return this.device.zpciBase()?.fh;
    } catch {
      return undefined;
    }
  }

  /** Called once for each signal of the ERR eventfd, until disposed. Throws when the kernel refuses the eventfd. */
  onError(listener: () => void): Disposable {
    return this.device.onError((signals) => {
      for (let told = 0; told < signals; told++) listener();
    });
  }

  /** Takes the oldest pending error record: see `VfioDevice.zpciErrorRecord`. ENOMSG: there is none; ENOTTY: the kernel cannot. */
  nextError(): { readonly errno: ZpciErrno; readonly record?: Uint8Array } {
    try {
      const base = this.device.zpciBase();
      if (base === undefined) return { errno: 'ENOTTY' };
      const { result, record } = takeZpciError(this.device.file, base);
      return record === undefined ? { errno: named(result) } : { errno: 0, record };
    } catch (error) {
      return { errno: errnoOf(error) };
    }
  }

  /** VFIO_DEVICE_RESET, once: EAGAIN while the host still holds the function; EINVAL, ENOTTY: it has no reset method. */
  reset(): ZpciErrno {
    return this.#answer(() => this.device.resets.resetNow());
  }

  /** Whether everything that a hot reset touches is held (R4.2): read anew each time. */
  get canHotReset(): Capability {
    try {
      return this.device.resets.scopeNow().allowed;
    } catch (error) {
      return { absent: `whom a hot reset would touch cannot be told: ${describeError(error)}` };
    }
  }

  /** VFIO_DEVICE_PCI_HOT_RESET, once; EINVAL without asking the kernel when not everything is held. */
  hotReset(): ZpciErrno {
    return this.#answer(() => this.device.resets.hotResetNow());
  }

  /** A register at a byte offset; undefined when the function does not answer (ENODEV), or there is no such register. */
  readConfig(offset: number, width: 1 | 2 | 4): number | undefined {
    try {
      return fromBytes(this.device.readConfigNow(offset, width));
    } catch {
      return undefined;
    }
  }

  /** False when the write was lost. */
  writeConfig(offset: number, width: 1 | 2 | 4, value: number): boolean {
    try {
      this.device.writeConfigNow(offset, toBytes(value, width));
      return true;
    } catch {
      return false;
    }
  }

  #answer(call: () => SyscallResult): ZpciErrno {
    try {
      return named(call());
    } catch (error) {
      return errnoOf(error);
    }
  }
}

import { type IoctlArgument } from '../../seam/syscalls.js';
import { type Caller, type KernelFile, type Mappable, type OpenFile } from '../kernel/open-file.js';
import { errno, type Outcome } from '../kernel/outcome.js';
import { attachIoas, bindIommufd, detachIoas, unbindIommufd } from './cdev.js';
import { type VfioContext } from './context.js';
import { type VfioDevice } from './device.js';
import { byNumber, dispatch, type Handler } from './dispatch.js';
import { deviceFeature } from './feature.js';
import { hotReset, hotResetInfo } from './hot-reset.js';
import { deviceInfo, interruptInfo, regionInfo } from './info.js';
import { mapRegion, readRegion, writeRegion } from './regions.js';
import { deviceReset } from './reset.js';
import { setInterrupts } from './set-irqs.js';

/** An open VFIO device (drivers/vfio/vfio_main.c:vfio_device_fops): through its group, or by its own node. */
export class DeviceFile implements KernelFile {
  readonly kind = 'device';
  readonly name: string;
  readonly device: VfioDevice;
  /** Accesses are refused until BIND_IOMMUFD granted them. */
  granted: boolean;
  readonly #context: VfioContext;
  readonly #handlers: ReadonlyMap<number, Handler>;
  /** The group's file, which it holds. */
  readonly #group: OpenFile | undefined;

  private constructor(context: VfioContext, device: VfioDevice, group: OpenFile | undefined) {
    this.#context = context;
    this.device = device;
    this.#group = group?.hold();
    this.granted = group !== undefined;
    this.name = group ? 'anon_inode:[vfio-device]' : `/dev/vfio/devices/vfio${device.index}`;
    this.#handlers = byNumber(context.kernel.numbers, {
      VFIO_DEVICE_GET_INFO: (_, bytes) => deviceInfo(context, device, bytes),
      VFIO_DEVICE_GET_REGION_INFO: (_, bytes) => regionInfo(context, device, bytes),
      VFIO_DEVICE_GET_IRQ_INFO: (_, bytes) => interruptInfo(context, device, bytes),
      VFIO_DEVICE_SET_IRQS: (caller, bytes) => setInterrupts(context, device, caller, bytes),
      VFIO_DEVICE_RESET: () => deviceReset(context, device),
      VFIO_DEVICE_GET_PCI_HOT_RESET_INFO: (_, bytes) => hotResetInfo(context, device, bytes),
      VFIO_DEVICE_PCI_HOT_RESET: (caller, bytes) => hotReset(context, device, caller, bytes),
      VFIO_DEVICE_FEATURE: (caller, bytes) => deviceFeature(context, device, caller, bytes),
      ...(!group && {
        VFIO_DEVICE_ATTACH_IOMMUFD_PT: (_, bytes) => attachIoas(context, device, bytes),
        VFIO_DEVICE_DETACH_IOMMUFD_PT: (_, bytes) => detachIoas(context, device, bytes),
      }),
    });
  }

  static ofGroup(context: VfioContext, device: VfioDevice, group: OpenFile): DeviceFile {
    return new DeviceFile(context, device, group);
  }

  /** vfio_device_fops_cdev_open: nothing is granted yet. */
  static ofNode(context: VfioContext, device: VfioDevice): DeviceFile {
    return new DeviceFile(context, device, undefined);
  }

  get throughGroup(): boolean {
    return this.#group !== undefined;
  }

  ioctl(caller: Caller, request: number, argument: IoctlArgument): Outcome {
    if (request === this.#context.kernel.numbers.VFIO_DEVICE_BIND_IOMMUFD) {
      return bindIommufd(this.#context, this, caller, caller.memory.argument(argument));
    }
    if (!this.granted) return errno('EINVAL');
    return dispatch(this.#handlers, caller, request, argument, errno('ENOTTY'));
  }

  pread(buffer: Uint8Array, offset: bigint): Outcome {
    return this.granted ? readRegion(this.#context, this.device, buffer, offset) : errno('EINVAL');
  }

  pwrite(buffer: Uint8Array, offset: bigint): Outcome {
    return this.granted ? writeRegion(this.#context, this.device, buffer, offset) : errno('EINVAL');
  }

  mmap(length: number, offset: bigint): Mappable | number {
    return this.granted ? mapRegion(this.#context, this.device, length, offset) : errno('EINVAL');
  }

  release(): void {
    const { device } = this;
    if (this.throughGroup) {
      if (--device.openCount === 0) {
        device.lastClose(this.#context.machine);
        device.group.containerUsers--;
      }
      this.#group!.drop();
    } else if (this.granted) unbindIommufd(this.#context, device);
  }
}

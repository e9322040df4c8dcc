import { type Bdf } from '@pci-recovery/core';
import { UAPI } from '../../uapi/abi/constants.js';
import { viewOf } from '../../uapi/struct/decode.js';
import { type IoctlArgument } from '../../seam/syscalls.js';
import { type Caller, type KernelFile, type OpenFile } from '../kernel/open-file.js';
import { errno, notPlayed, type Outcome } from '../kernel/outcome.js';
import { Container } from './container.js';
import { type VfioContext } from './context.js';
import { DeviceFile } from './device-file.js';
import { byNumber, dispatch, type Handler } from './dispatch.js';
import { type VfioGroup } from './group-state.js';
import { copyIn, copyOut } from './structs.js';

const STATUS = 'vfio_group_status';

/** `/dev/vfio/<number>` (drivers/vfio/group.c). Open devices hold it open. */
export class GroupFile implements KernelFile {
  readonly kind = 'group';
  readonly name: string;
  readonly group: VfioGroup;
  readonly #context: VfioContext;
  readonly #handlers: ReadonlyMap<number, Handler>;
  /** What the descriptors of open devices hold. */
  #open: OpenFile | undefined;
  #container: OpenFile | undefined;

  constructor(context: VfioContext, group: VfioGroup) {
    this.#context = context;
    this.group = group;
    this.name = `/dev/vfio/${group.number}`;
    this.#handlers = byNumber(context.kernel.numbers, {
      VFIO_GROUP_GET_STATUS: (_, bytes) => this.#status(bytes),
      VFIO_GROUP_SET_CONTAINER: (caller, bytes) => this.#setContainer(caller, bytes),
      VFIO_GROUP_UNSET_CONTAINER: () => this.#unsetContainer(),
      VFIO_GROUP_GET_DEVICE_FD: (caller, bytes) => this.#deviceFd(caller, bytes),
    });
  }

  /** vfio_group_fops_open: a group is open once. */
  static open(context: VfioContext, number: number): KernelFile | number {
    const group = context.groups.find((each) => each.number === number);
    if (!group?.exists || context.machine.iommu === 'off') return errno('ENOENT');
    if (group.cdevOpen > 0 || group.opened) return errno('EBUSY');
    group.opened = true;
    return new GroupFile(context, group);
  }

  ioctl(caller: Caller, request: number, argument: IoctlArgument): Outcome {
    this.#open ??= caller.fds.open.map((fd) => caller.fds.get(fd)!).find(({ file }) => file === this);
    return dispatch(this.#handlers, caller, request, argument, errno('ENOTTY'));
  }

  release(): void {
    this.group.container?.detach(this.group);
    this.#dropContainer();
    this.group.opened = false;
  }

  #status(bytes: Uint8Array | undefined): number {
    const { order } = this.#context.kernel;
    const status = copyIn(STATUS, bytes, 'flags', order);
    if (!status || !bytes) return errno('EFAULT');
    if (status.argsz < 8) return errno('EINVAL');
    const set = this.group.container !== undefined;
    const viable = set || !this.group.claimed;
    const flags = (viable ? UAPI.VFIO_GROUP_FLAGS_VIABLE : 0) | (set ? UAPI.VFIO_GROUP_FLAGS_CONTAINER_SET : 0);
    copyOut(STATUS, bytes, { flags }, order);
    return 0;
  }

  #setContainer(caller: Caller, bytes: Uint8Array | undefined): number {
    if (!bytes || bytes.byteLength < 4) return errno('EFAULT');
    const open = caller.fds.get(viewOf(bytes).getInt32(0, this.#context.kernel.order === 'LE'));
    if (!open) return errno('EBADF');
    if (this.group.container) return errno('EINVAL');
    if (open.file.kind === 'iommufd') throw notPlayed('a group in an iommufd (VFIO compatibility of iommufd)');
    if (!(open.file instanceof Container)) return errno('EBADFD');
    const attached = open.file.attach(this.group);
    if (attached === 0) this.#container = open.hold();
    return attached;
  }

  /** EBUSY while devices of it are open. */
  #unsetContainer(): number {
    const { container, containerUsers } = this.group;
    if (!container) return errno('EINVAL');
    if (containerUsers !== 1) return errno('EBUSY');
    container.detach(this.group);
    this.#dropContainer();
    return 0;
  }

  #deviceFd(caller: Caller, bytes: Uint8Array | undefined): number {
    const name = nameIn(bytes);
    if (name === undefined) return errno('EFAULT');
    const found = this.#find(name);
    if (typeof found === 'number') return found;
    const { container } = this.group;
    if (!container?.usable) return errno('EINVAL');
    const device = this.#context.deviceOf(found);
    if (device.openCount === 0) {
      const opened = device.firstOpen(this.#context.machine);
      if (opened < 0) return opened;
      this.group.containerUsers++;
    }
    device.openCount++;
    return caller.fds.create(DeviceFile.ofGroup(this.#context, device, this.#open!));
  }

  /** Names are matched by the driver, which refuses options that it cannot take (vfio_pci_core_match). */
  #find(name: string): (ReturnType<VfioContext['machine']['find']> & object) | number {
    const [bdf, ...options] = name.split(' ');
    const found = this.group.machine.functions.find((each) => each.bdf === (bdf as Bdf));
    if (!found || found.driver !== 'vfio-pci' || found.silence === 'gone') return errno('ENODEV');
    return options.length > 0 ? errno('EINVAL') : found;
  }

  #dropContainer(): void {
    this.#container?.drop();
    this.#container = undefined;
  }
}

/** strndup_user: up to the NUL, which must be there. */
function nameIn(bytes: Uint8Array | undefined): string | undefined {
  const end = bytes?.indexOf(0) ?? -1;
  return end < 0 ? undefined : new TextDecoder('latin1').decode(bytes!.subarray(0, end));
}

import { UAPI } from '../../uapi/abi/constants.js';
import { endOf, sizeOf } from '../../uapi/struct/tables.js';
import { errno } from '../kernel/outcome.js';
import { chainLength, writeChain, type Capability } from './capability-chain.js';
import { type VfioContext } from './context.js';
import { type VfioDevice } from './device.js';
import { regionOffset } from './region-offset.js';
import { copyIn, copyOut } from './structs.js';
import { zpciCapabilities } from './zpci-capabilities.js';

const DEVICE = 'vfio_device_info';
const REGION = 'vfio_region_info';
const IRQ = 'vfio_irq_info';

/** VFIO_DEVICE_GET_INFO (drivers/vfio/pci/vfio_pci_core.c:vfio_pci_ioctl_get_info). */
export function deviceInfo(context: VfioContext, device: VfioDevice, bytes: Uint8Array | undefined): number {
  const { order } = context.kernel;
  const asked = copyIn(DEVICE, bytes, 'num_irqs', order);
  if (!asked || !bytes) return errno('EFAULT');
  if (asked.argsz < endOf(DEVICE, 'num_irqs')) return errno('EINVAL');
  const capabilities = zpciCapabilities(context, device);
  const reset = device.resetWorks ? UAPI.VFIO_DEVICE_FLAGS_RESET : 0;
  const caps = capabilities.length > 0 ? UAPI.VFIO_DEVICE_FLAGS_CAPS : 0;
  const place = chainPlace(bytes, asked.argsz, capabilities, sizeOf(DEVICE));
  if (place === undefined) return errno('EFAULT');
  if (place.fits && place.cap_offset > 0) writeChain(bytes, capabilities, place.cap_offset, order);
  const fixed = { num_regions: UAPI.VFIO_PCI_NUM_REGIONS, num_irqs: UAPI.VFIO_PCI_NUM_IRQS };
  const { argsz, cap_offset } = place;
  const flags = UAPI.VFIO_DEVICE_FLAGS_PCI | reset | caps;
  copyOut(DEVICE, bytes, { argsz, flags, ...fixed, cap_offset, pad: 0 }, order, asked.argsz);
  return 0;
}

interface Place {
  readonly fits: boolean;
  readonly argsz: number;
  readonly cap_offset: number;
}

/** Where a chain goes: behind the structure, or nowhere, and then `argsz` says what it needs. Undefined: EFAULT. */
function chainPlace(
  bytes: Uint8Array,
  argsz: number,
  capabilities: readonly Capability[],
  fixed: number,
): Place | undefined {
  if (capabilities.length === 0) return { fits: true, argsz, cap_offset: 0 };
  const needed = fixed + chainLength(capabilities);
  if (argsz < needed) return { fits: false, argsz: needed, cap_offset: 0 };
  return bytes.byteLength < needed ? undefined : { fits: true, argsz, cap_offset: fixed };
}

interface Region {
  readonly size: number;
  readonly flags: number;
  readonly capabilities: readonly Capability[];
}

const NONE: Region = { size: 0, flags: 0, capabilities: [] };
const READ_WRITE = UAPI.VFIO_REGION_INFO_FLAG_READ | UAPI.VFIO_REGION_INFO_FLAG_WRITE;
const MSIX_MAPPABLE: Capability = {
  id: UAPI.VFIO_REGION_INFO_CAP_MSIX_MAPPABLE,
  version: 1,
  body: new Uint8Array(),
};

/** A region by its index; undefined: there is none (EINVAL). */
function regionOf(context: VfioContext, { subject }: VfioDevice, index: number): Region | undefined {
  if (index === UAPI.VFIO_PCI_CONFIG_REGION_INDEX) {
    return { size: subject.config.length, flags: READ_WRITE, capabilities: [] };
  }
  if (index === UAPI.VFIO_PCI_ROM_REGION_INDEX) return NONE;
  if (index >= UAPI.VFIO_PCI_ROM_REGION_INDEX) return undefined;
  const bar = subject.bars.find((each) => each.index === index);
  if (!bar) return NONE;
  if (!bar.mappable(context.kernel.pageSize)) return { size: bar.size, flags: READ_WRITE, capabilities: [] };
  const capabilities = subject.msixTable?.bar === index ? [MSIX_MAPPABLE] : [];
  return { size: bar.size, flags: READ_WRITE | UAPI.VFIO_REGION_INFO_FLAG_MMAP, capabilities };
}

/** VFIO_DEVICE_GET_REGION_INFO (drivers/vfio/vfio_main.c:vfio_get_region_info, vfio_pci_ioctl_get_region_info). */
export function regionInfo(context: VfioContext, device: VfioDevice, bytes: Uint8Array | undefined): number {
  const { order } = context.kernel;
  const asked = copyIn(REGION, bytes, 'offset', order);
  if (!asked || !bytes) return errno('EFAULT');
  if (asked.argsz < sizeOf(REGION)) return errno('EINVAL');
  const region = regionOf(context, device, asked.index);
  if (!region) return errno('EINVAL');
  const { capabilities, size } = region;
  const place = chainPlace(bytes, asked.argsz, capabilities, sizeOf(REGION));
  if (!place) return errno('EFAULT');
  const { argsz, cap_offset } = place;
  if (place.fits && cap_offset > 0) writeChain(bytes, capabilities, cap_offset, order);
  const flags = region.flags | (capabilities.length > 0 ? UAPI.VFIO_REGION_INFO_FLAG_CAPS : 0);
  // Without capabilities the kernel leaves cap_offset as it was given.
  const chain = capabilities.length > 0 ? { cap_offset } : {};
  copyOut(REGION, bytes, { argsz, flags, ...chain, size: BigInt(size), offset: regionOffset(asked.index) }, order);
  return 0;
}

/** VFIO_DEVICE_GET_IRQ_INFO (vfio_pci_ioctl_get_irq_info). */
export function interruptInfo(context: VfioContext, device: VfioDevice, bytes: Uint8Array | undefined): number {
  const { order } = context.kernel;
  const asked = copyIn(IRQ, bytes, 'count', order);
  if (!asked || !bytes) return errno('EFAULT');
  const { index } = asked;
  if (asked.argsz < sizeOf(IRQ) || index >= UAPI.VFIO_PCI_NUM_IRQS) return errno('EINVAL');
  const intx = UAPI.VFIO_IRQ_INFO_MASKABLE | UAPI.VFIO_IRQ_INFO_AUTOMASKED;
  const resizable = index === UAPI.VFIO_PCI_MSIX_IRQ_INDEX && context.machine.description.arch === 'x64';
  const how = index === UAPI.VFIO_PCI_INTX_IRQ_INDEX ? intx : resizable ? 0 : UAPI.VFIO_IRQ_INFO_NORESIZE;
  const flags = UAPI.VFIO_IRQ_INFO_EVENTFD | how;
  copyOut(IRQ, bytes, { flags, count: device.interrupts.count(index) }, order);
  return 0;
}

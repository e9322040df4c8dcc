import { UAPI } from './abi/constants.js';
import { type ByteOrder, HOST_BYTE_ORDER } from './byte-order.js';
import { type Flags, readFlags } from './flags.js';
import { checkArgszKept } from './info-reply.js';
import { decodeStruct } from './struct/decode.js';
import { encodeStruct } from './struct/encode.js';
import { checkReply, type ReplyRule } from './struct/kernel-reply.js';
import { sizeOf, type StructValues } from './struct/tables.js';

const STRUCT = 'vfio_irq_info';

/** Indexes of a PCI device's interrupts. `err`: the host tells of uncorrectable errors; `req`: it wants the device back. */
export const PCI_IRQ = {
  intx: UAPI.VFIO_PCI_INTX_IRQ_INDEX,
  msi: UAPI.VFIO_PCI_MSI_IRQ_INDEX,
  msix: UAPI.VFIO_PCI_MSIX_IRQ_INDEX,
  err: UAPI.VFIO_PCI_ERR_IRQ_INDEX,
  req: UAPI.VFIO_PCI_REQ_IRQ_INDEX,
} as const;

const FLAGS = {
  eventfd: UAPI.VFIO_IRQ_INFO_EVENTFD,
  maskable: UAPI.VFIO_IRQ_INFO_MASKABLE,
  automasked: UAPI.VFIO_IRQ_INFO_AUTOMASKED,
  noresize: UAPI.VFIO_IRQ_INFO_NORESIZE,
} as const;

/**
 * What VFIO_DEVICE_GET_IRQ_INFO tells. The ERR index counts 1 for every vfio-pci device: whether errors are ever reported is
 * another matter (R1).
 */
export interface IrqInfo extends Flags<typeof FLAGS> {
  readonly index: number;
  /** Interrupts within the index; 0: none. */
  readonly count: number;
}

/** No index has more interrupts: MSI-X ends at 2048. */
export const MOST_IRQS = 65_536;

const rules = (index: number): readonly ReplyRule<StructValues<typeof STRUCT>>[] => [
  { field: 'index', rule: `index ${index} was asked for`, holds: (info) => info.index === index },
  { field: 'count', rule: `at most ${MOST_IRQS}`, holds: ({ count }) => count <= MOST_IRQS },
];

/** VFIO_DEVICE_GET_IRQ_INFO (drivers/vfio/pci/vfio_pci_core.c:vfio_pci_ioctl_get_irq_info). EINVAL: no such index. */
export const irqInfo = {
  request: 'VFIO_DEVICE_GET_IRQ_INFO',
  /** The call's argument. */
  encodeRequest: (index: number, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array =>
    encodeStruct(STRUCT, { argsz: sizeOf(STRUCT), index }, { order }),
  /**
   * @param index the index that was asked for
   * @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY`
   */
  decodeReply(buffer: Uint8Array, index: number, order: ByteOrder = HOST_BYTE_ORDER): IrqInfo {
    const reply = decodeStruct(STRUCT, buffer, order);
    checkArgszKept(STRUCT, 'argsz', reply.argsz, buffer);
    checkReply(STRUCT, reply, rules(index));
    return { ...readFlags(reply.flags, FLAGS), index, count: reply.count };
  },
} as const;

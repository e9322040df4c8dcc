import { MSI, MSIX, PCI_HEADER } from '@pci-recovery/pci';
import { UAPI } from '../../uapi/abi/constants.js';
import { viewOf } from '../../uapi/struct/decode.js';
import { type EventFd } from '../kernel/eventfd.js';
import { errno } from '../kernel/outcome.js';
import { type PciFunction } from '../machine/pci-function.js';

const INTX = UAPI.VFIO_PCI_INTX_IRQ_INDEX;
const MSI_INDEX = UAPI.VFIO_PCI_MSI_IRQ_INDEX;
const MSIX_INDEX = UAPI.VFIO_PCI_MSIX_IRQ_INDEX;

/** Where the kernel has messages delivered, for vectors to be told apart. */
const MESSAGE_ADDRESS = 0xfee0_0000;

/** Interrupts of an open device (drivers/vfio/pci/vfio_pci_intrs.c). Eventfds are held by their files. */
export class DeviceInterrupts {
  readonly #subject: PciFunction;
  /** Told of uncorrectable errors. */
  error: EventFd | undefined;
  /** Told that the host wants the device back. */
  request: EventFd | undefined;
  /** The index that is on: INTx, MSI or MSI-X. */
  active: number | undefined;
  /** Eventfds by vector. */
  readonly vectors = new Map<number, EventFd>();
  /** INTx: masked by the holder, or because it fired. */
  masked = false;
  /** MSI: log2 of the vectors that were allocated. */
  msiMost = 0;

  constructor(subject: PciFunction) {
    this.#subject = subject;
  }

  /** Interrupts of an index (vfio_pci_get_irq_count). */
  count(index: number): number {
    const { config, layout } = this.#subject;
    const word = (at: number): number => viewOf(config).getUint16(at, true);
    if (index === INTX) return config[PCI_HEADER.INTERRUPT_PIN] === 0 ? 0 : 1;
    if (index === MSI_INDEX) return layout.msi === undefined ? 0 : 1 << ((word(layout.msi + MSI.CONTROL) >> 1) & 7);
    if (index === MSIX_INDEX) return layout.msix === undefined ? 0 : (word(layout.msix + MSIX.CONTROL) & 0x7ff) + 1;
    return index === UAPI.VFIO_PCI_ERR_IRQ_INDEX || index === UAPI.VFIO_PCI_REQ_IRQ_INDEX ? 1 : 0;
  }

  /** Sends what the device would send. */
  fire(vector: number): void {
    if (this.active === INTX) {
      if (this.masked) return;
      // INTx is masked by the host as it fires (VFIO_IRQ_INFO_AUTOMASKED).
      this.masked = true;
    }
    this.vectors.get(vector)?.signal();
  }

  /** Switches MSI or MSI-X on. ENOMEM: the function does not answer, as in the s390 error state. */
  enableMessages(index: number, vectors: number): number {
    const subject = this.#subject;
    const at = index === MSIX_INDEX ? subject.layout.msix! + MSIX.CONTROL : subject.layout.msi! + MSI.CONTROL;
    if (subject.silence === 'blocked') return errno('ENOMEM');
    this.active = index;
    if (index === MSIX_INDEX) subject.poke16(at, subject.u16(at) | 0x8000);
    else {
      this.msiMost = Math.ceil(Math.log2(vectors));
      subject.poke16(at, (subject.u16(at) & ~0x70) | (this.msiMost << 4) | 1);
    }
    return 0;
  }

  /** A vector of MSI or MSI-X; its message is written anew each time (R5.2; vfio_msi_set_vector_signal). */
  setVector(vector: number, eventfd: EventFd | undefined): void {
    if (!eventfd) {
      this.vectors.delete(vector);
      this.#maskEntry(vector);
      return;
    }
    this.vectors.set(vector, eventfd);
    if (this.active === MSIX_INDEX) this.#writeEntry(vector);
  }

  /** Switches the active index off. */
  disable(): void {
    const { layout } = this.#subject;
    for (const vector of [...this.vectors.keys()]) this.setVector(vector, undefined);
    if (this.active === MSIX_INDEX) this.#clearControl(layout.msix! + MSIX.CONTROL, 0xc000);
    if (this.active === MSI_INDEX) this.#clearControl(layout.msi! + MSI.CONTROL, 1);
    this.active = undefined;
    this.masked = false;
  }

  close(): void {
    if (this.active !== undefined) this.disable();
    this.error = undefined;
    this.request = undefined;
  }

  #clearControl(at: number, bits: number): void {
    this.#subject.poke16(at, this.#subject.u16(at) & ~bits);
  }

  #writeEntry(vector: number): void {
    const table = this.#subject.msixTable;
    if (!table || this.#subject.silence) return;
    const entry = viewOf(table.bytes.subarray(vector * 16, vector * 16 + 16));
    entry.setUint32(0, MESSAGE_ADDRESS, true);
    entry.setUint32(4, 0, true);
    entry.setUint32(8, 0x4000 | vector, true);
    entry.setUint32(12, 0, true);
  }

  #maskEntry(vector: number): void {
    const table = this.#subject.msixTable;
    if (this.active !== MSIX_INDEX || !table || this.#subject.silence) return;
    table.bytes[vector * 16 + 12] = 1;
  }
}

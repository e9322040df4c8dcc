import { type PciFunction } from '../machine/pci-function.js';
import { type UeventSocket } from '../kernel/uevent-socket.js';
import { PCI_HEADER } from '@pci-recovery/pci';

/** `ERROR_EVENT=` of a uevent (drivers/pci/pci-driver.c:pci_uevent_ers). */
export type ErrorEventName = 'BEGIN_RECOVERY' | 'SUCCESSFUL_RECOVERY' | 'FAILED_RECOVERY';

const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');

/** The kernel's uevents: made as it makes them, given to every socket (lib/kobject_uevent.c:kobject_uevent_env). */
export class Uevents {
  readonly #sockets = new Set<UeventSocket>();
  readonly #pathOf: (subject: PciFunction) => string;
  #sequence = 1000;

  /** @param pathOf path of the device below `/sys` */
  constructor(pathOf: (subject: PciFunction) => string) {
    this.#pathOf = pathOf;
  }

  /** @returns ends it */
  subscribe(socket: UeventSocket): () => void {
    this.#sockets.add(socket);
    return () => void this.#sockets.delete(socket);
  }

  /** An error event of a function. */
  error(subject: PciFunction, event: ErrorEventName): void {
    const online = event === 'SUCCESSFUL_RECOVERY' ? 1 : 0;
    this.device(subject, 'change', [`ERROR_EVENT=${event}`, `DEVICE_ONLINE=${online}`]);
  }

  /** Any event of a function; `more` goes before what all events of PCI functions say. */
  device(subject: PciFunction, action: string, more: readonly string[] = []): void {
    const path = this.#pathOf(subject);
    const of = (offset: number): string => hex(subject.u16(offset), 4);
    const strings = [
      `${action}@${path}`,
      `ACTION=${action}`,
      `DEVPATH=${path}`,
      'SUBSYSTEM=pci',
      ...more,
      ...(subject.driver === undefined ? [] : [`DRIVER=${subject.driver}`]),
      `PCI_CLASS=${hex(subject.u32(PCI_HEADER.REVISION_ID) >>> 8, 5)}`,
      `PCI_ID=${of(PCI_HEADER.VENDOR_ID)}:${of(PCI_HEADER.DEVICE_ID)}`,
      `PCI_SUBSYS_ID=${of(PCI_HEADER.SUBSYSTEM_VENDOR_ID)}:${of(PCI_HEADER.SUBSYSTEM_ID)}`,
      `PCI_SLOT_NAME=${subject.bdf}`,
      `SEQNUM=${this.#sequence++}`,
    ];
    this.deliver(Uint8Array.from(Buffer.from(`${strings.join('\0')}\0`, 'latin1')));
  }

  /** Any datagram, also one that the kernel did not send. */
  deliver(bytes: Uint8Array, sender = 0): void {
    for (const socket of [...this.#sockets]) socket.deliver({ bytes, sender });
  }
}

/** What QEMU's command `query-pci` says (qapi/pci.json), as far as it matters. */
export interface PciBus {
  readonly bus: number;
  readonly devices: readonly PciDevice[];
}

/** A device of one bus, and the buses below it when it is a bridge. */
export interface PciDevice {
  readonly bus: number;
  readonly slot: number;
  readonly function: number;
  readonly qdev_id: string;
  readonly pci_bridge?: { readonly devices?: readonly PciDevice[] };
}

const hex = (value: number): string => value.toString(16).padStart(2, '0');

/** The address of each device that has a name, as the guest has numbered its buses. */
export function busAddresses(buses: readonly PciBus[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const visit = (device: PciDevice): void => {
    const { bus, slot, function: fn, qdev_id: id } = device;
    if (id !== '') found.set(id, `0000:${hex(bus)}:${hex(slot)}.${fn}`);
    device.pci_bridge?.devices?.forEach(visit);
  };
  for (const { devices } of buses) devices.forEach(visit);
  return found;
}

import { compareBdf, parseBdf, type Bdf } from '@pci-recovery/core';
import { type SysfsPort } from '@pci-recovery/core/linux';
import { PCI_HEADER } from '@pci-recovery/pci';
import { syscallError } from '../../seam/errno.js';
import { errno } from '../kernel/outcome.js';
import { type PciFunction } from '../machine/pci-function.js';
import { type AerSeverity } from './aer-counters.js';
import { type Host } from './host.js';
import { pathOfDevice } from './device-path.js';
import { portConfig } from './port-config.js';

/** What sysfs writes do: the order is carried out by the kernel's owner. */
export interface SysfsOrders {
  reset(subject: PciFunction): number;
  remove(subject: PciFunction): Promise<void>;
  rescan(): void;
}

type Attribute = (subject: PciFunction, host: Host) => string | undefined;

const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;
const aer =
  (severity: AerSeverity): Attribute =>
  (subject, { counters }) =>
    subject.layout.aer === undefined ? undefined : counters.text(subject.bdf, severity);

/** Words of `eeh_pe_state`; reading them asks firmware, which can mark the PE isolated. */
const eehState: Attribute = (subject, { machine }) => {
  const { pe } = machine.groupOf(subject);
  if (!pe) return undefined;
  pe.poll();
  return pe.words.map((word) => hex(word, 8)).join(' ');
};

const zpci =
  (read: (zpci: NonNullable<ReturnType<Host['machine']['zpciOf']>>) => string): Attribute =>
  (subject, { machine }) => {
    const found = machine.zpciOf(subject);
    return found && read(found);
  };

const ATTRIBUTES: Readonly<Record<string, Attribute>> = {
  vendor: (subject) => hex(subject.u16(PCI_HEADER.VENDOR_ID), 4),
  device: (subject) => hex(subject.u16(PCI_HEADER.DEVICE_ID), 4),
  class: (subject) => hex(subject.u32(PCI_HEADER.REVISION_ID) >>> 8, 6),
  reset_method: ({ resetMethods }) => (resetMethods.length > 0 ? resetMethods.join(' ') : undefined),
  aer_dev_correctable: aer('correctable'),
  aer_dev_nonfatal: aer('nonfatal'),
  aer_dev_fatal: aer('fatal'),
  eeh_pe_state: eehState,
  eeh_pe_config_addr: (subject, { machine }) => {
    const { pe } = machine.groupOf(subject);
    return pe && `0x${pe.address.toString(16)}`;
  },
  eeh_mode: (subject, { machine }) => (machine.groupOf(subject).pe ? '0x0' : undefined),
  function_id: zpci(({ fid }) => hex(fid, 8)),
  function_handle: zpci(({ fh }) => hex(fh, 8)),
  uid: zpci(({ uid }) => `0x${uid.toString(16)}`),
  pchid: zpci(({ description }) => hex(description.pchid ?? 0, 4)),
  pft: zpci(({ description }) => hex(description.pft ?? 0, 2)),
  pfgid: zpci(({ description }) => hex(description.pfgid ?? 0, 2)),
};

const ROOT_TOTALS: Readonly<Record<string, AerSeverity>> = {
  aer_rootport_total_err_cor: 'correctable',
  aer_rootport_total_err_nonfatal: 'nonfatal',
  aer_rootport_total_err_fatal: 'fatal',
};

/** sysfs of the machine, consistent with its counters, PEs and drivers. */
export class SysfsView implements SysfsPort {
  readonly #host: Host;
  readonly #orders: SysfsOrders;

  constructor(host: Host, orders: SysfsOrders) {
    this.#host = host;
    this.#orders = orders;
  }

  devices(): readonly Bdf[] {
    const { machine } = this.#host;
    const ports = (machine.description.ports ?? []).map(({ bdf }) => parseBdf(bdf));
    return [...ports, ...machine.present.map(({ bdf }) => bdf)].sort(compareBdf);
  }

  read(bdf: Bdf, attribute: string): string | undefined {
    const subject = this.#present(bdf);
    if (subject) return ATTRIBUTES[attribute]?.(subject, this.#host);
    const total = this.#isPort(bdf) ? ROOT_TOTALS[attribute] : undefined;
    return total && this.#host.counters.total(parseBdf(bdf), total);
  }

  readBytes(bdf: Bdf, attribute: string): Uint8Array | undefined {
    const subject = this.#present(bdf);
    if (subject && attribute === 'config') return subject.read(0, subject.config.length);
    if (attribute === 'config' && this.#isPort(bdf)) return portConfig(this.#host.machine, bdf);
    const text = this.read(bdf, attribute);
    return text === undefined ? undefined : new TextEncoder().encode(`${text}\n`);
  }

  /** @throws PciRecoveryError with the errno that the kernel would answer */
  async write(bdf: Bdf, attribute: string, text: string): Promise<void> {
    const subject = this.#present(bdf);
    const refuse = (name: string): never => {
      throw syscallError('write', errno(name), { path: `${bdf}/${attribute}` });
    };
    if (attribute === 'rescan') return this.#orders.rescan();
    if (!subject) return refuse('ENOENT');
    if (attribute === 'remove') return this.#orders.remove(subject);
    if (attribute === 'eeh_pe_state') this.#host.machine.groupOf(subject).pe?.unfreeze();
    else if (attribute === 'reset') {
      const done = this.#orders.reset(subject);
      if (done < 0) throw syscallError('write', done, { path: `${bdf}/reset` });
    } else if (attribute === 'reset_method') subject.resetMethods = text.trim().split(/\s+/).filter(Boolean);
    else refuse(ATTRIBUTES[attribute] ? 'EACCES' : 'ENOENT');
  }

  /** Configuration space as the kernel's owner writes it. @throws as {@link write} */
  writeBytes(bdf: Bdf, attribute: string, offset: number, bytes: Uint8Array): void {
    const subject = this.#present(bdf);
    const refused = !subject ? 'ENOENT' : attribute === 'config' ? undefined : 'EACCES';
    if (refused) throw syscallError('write', errno(refused), { path: `${bdf}/${attribute}` });
    subject!.write(offset, bytes);
  }

  link(bdf: Bdf, name: string): string | undefined {
    const subject = this.#present(bdf);
    if (!subject) return name === 'driver' && this.#isPort(bdf) ? 'pcieport' : undefined;
    if (name === 'driver') return subject.driver;
    if (name !== 'iommu_group' || this.#host.machine.iommu === 'off') return undefined;
    return String(this.#host.machine.groupOf(subject).number);
  }

  parent(bdf: Bdf): Bdf | undefined {
    const { machine } = this.#host;
    const above = machine.find(parseBdf(bdf))?.description.port ?? machine.portAbove(bdf);
    return above === undefined ? undefined : parseBdf(above);
  }

  /** Path of a device below `/sys`. */
  pathOf(subject: PciFunction): string {
    return pathOfDevice(this.#host.machine, subject);
  }

  #present(bdf: Bdf): PciFunction | undefined {
    const found = this.#host.machine.find(parseBdf(bdf));
    return found?.silence === 'gone' ? undefined : found;
  }

  #isPort(bdf: Bdf): boolean {
    return (this.#host.machine.description.ports ?? []).some((port) => parseBdf(port.bdf) === parseBdf(bdf));
  }
}

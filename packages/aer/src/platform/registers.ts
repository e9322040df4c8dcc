import { type Bdf } from '@pci-recovery/core';
import { type AER, CAPABILITY_ID, EXTENDED_CAPABILITY_ID, PCI_HEADER, type PCIE } from '@pci-recovery/pci';
import { type AerHostPort, type ConfigWidth } from '../port.js';

const ALL_ONES = 0xffff_ffff;
/** A list that is longer than what fits into its space goes round in circles. */
const MOST_CAPABILITIES = 48;
const MOST_EXTENDED_CAPABILITIES = 480;

/**
 * Whether configuration space answers: command and status do, for ids of virtual functions are all ones by rule.
 *
 * Source: Linux 7.3 drivers/pci/pci.c:pci_dev_config_accessible.
 */
export const answersConfig = (port: AerHostPort, bdf: Bdf): boolean =>
  port.readConfig(bdf, PCI_HEADER.COMMAND, 4) >>> 0 !== ALL_ONES;

/** Where a function's error registers are; 0: it has none. */
export interface ErrorRegisters {
  readonly pcie: number;
  readonly aer: number;
}

/** Nobody ever answered there. */
const UNKNOWN: ErrorRegisters = { pcie: 0, aer: 0 };

/** Finds a capability by id, 0 when there is none. Linux 7.3 drivers/pci/pci.c:pci_find_capability. */
export function findCapability(port: AerHostPort, bdf: Bdf, id: number): number {
  let at = port.readConfig(bdf, PCI_HEADER.CAPABILITIES_POINTER, 1) & 0xfc;
  for (let hops = 0; at >= 0x40 && hops < MOST_CAPABILITIES; hops++) {
    const header = port.readConfig(bdf, at, 2);
    if (header === 0xffff) return 0;
    if ((header & 0xff) === id) return at;
    at = (header >> 8) & 0xfc;
  }
  return 0;
}

/** Finds an extended capability by id, 0 when there is none. Linux 7.3 drivers/pci/pci.c:pci_find_ext_capability. */
export function findExtendedCapability(port: AerHostPort, bdf: Bdf, id: number): number {
  let at = 0x100;
  for (let hops = 0; at >= 0x100 && hops < MOST_EXTENDED_CAPABILITIES; hops++) {
    const header = port.readConfig(bdf, at, 4);
    if (header === ALL_ONES || header === 0) return 0;
    if ((header & 0xffff) === id) return at;
    at = (header >>> 20) & 0xffc;
  }
  return 0;
}

/**
 * A function's error registers by name. Where they are is looked up once in its life, while it answers, as the kernel
 * does at enumeration: in the middle of an error nothing can be looked up any more.
 */
export class RegisterMap {
  readonly #port: AerHostPort;
  readonly #known = new Map<Bdf, ErrorRegisters & { readonly generation: number }>();

  constructor(port: AerHostPort) {
    this.#port = port;
  }

  of(bdf: Bdf): ErrorRegisters {
    const known = this.#known.get(bdf);
    const generation = this.#port.generationOf(bdf);
    if (known?.generation === generation) return known;
    if (!this.answers(bdf)) return UNKNOWN;
    const found = {
      generation,
      pcie: findCapability(this.#port, bdf, CAPABILITY_ID.PCIE),
      aer: findExtendedCapability(this.#port, bdf, EXTENDED_CAPABILITY_ID.AER),
    };
    this.#known.set(bdf, found);
    return found;
  }

  /** The function was looked up while it answered: a capability that was not found is not there. */
  knows(bdf: Bdf): boolean {
    return this.of(bdf) !== UNKNOWN;
  }

  /** Somebody answers at this address. */
  answers(bdf: Bdf): boolean {
    return answersConfig(this.#port, bdf);
  }

  /** 32 bits at a byte offset. */
  read32(bdf: Bdf, offset: number): number {
    return this.#port.readConfig(bdf, offset, 4) >>> 0;
  }

  /** A register of the AER capability, 32 bits; 0 when there is none. */
  aer(bdf: Bdf, register: (typeof AER)[keyof typeof AER]): number {
    const { aer } = this.of(bdf);
    return aer === 0 ? 0 : this.#port.readConfig(bdf, aer + register, 4) >>> 0;
  }

  writeAer(bdf: Bdf, register: (typeof AER)[keyof typeof AER], value: number): void {
    const { aer } = this.of(bdf);
    if (aer !== 0) this.#port.writeConfig(bdf, aer + register, 4, value >>> 0);
  }

  /** A register of the PCI Express capability; 0 when there is none. */
  pcie(bdf: Bdf, register: (typeof PCIE)[keyof typeof PCIE], width: ConfigWidth = 2): number {
    const { pcie } = this.of(bdf);
    return pcie === 0 ? 0 : this.#port.readConfig(bdf, pcie + register, width);
  }

  writePcie(bdf: Bdf, register: (typeof PCIE)[keyof typeof PCIE], value: number, width: ConfigWidth = 2): void {
    const { pcie } = this.of(bdf);
    if (pcie !== 0) this.#port.writeConfig(bdf, pcie + register, width, value);
  }
}

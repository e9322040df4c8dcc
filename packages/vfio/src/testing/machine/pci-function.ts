import { parseBdf, PciRecoveryError, type Bdf } from '@pci-recovery/core';
import { AER, MSIX, PCIE, PCI_HEADER } from '@pci-recovery/pci';
import { Gate } from '../kernel/gate.js';
import { viewOf } from '../../uapi/struct/decode.js';
import { Bar } from './bar.js';
import { type BarDescription, type FunctionDescription, type ZpciDescription } from './description.js';
import { defaultBars, endpointConfig } from './endpoint-config.js';
import { layoutOfConfig, writeMasks, type Layout, type WriteMasks } from './registers.js';

/** Why a function does not answer: it is gone, its PE is frozen, or s390 firmware blocks it. */
export type Silence = 'gone' | 'frozen' | 'blocked';

const configOf = ({ config }: FunctionDescription): Uint8Array =>
  config && 'byteLength' in config ? config.slice() : endpointConfig(config);

const barsOf = ({ config, bars }: FunctionDescription): readonly BarDescription[] => {
  if (config && 'byteLength' in config) return bars ?? [];
  return bars ?? defaultBars(config);
};

/** One function as hardware: its registers, its memory, and what a reset does to them. */
export class PciFunction {
  readonly bdf: Bdf;
  readonly description: FunctionDescription;
  readonly layout: Layout;
  readonly bars: readonly Bar[];
  /** Its registers as they are. */
  readonly config: Uint8Array;
  /** Configuration accesses of user space wait while it is closed (pci_cfg_access_lock). */
  readonly configAccess = new Gate();
  /** The device lock: while it is closed, `try` resets answer EAGAIN. */
  readonly deviceLock = new Gate();
  readonly #initial: Uint8Array;
  readonly #masks: WriteMasks;
  /** Why it does not answer now; undefined: it does. */
  silence: Silence | undefined;
  /** The driver that it is bound to now. */
  driver: string | undefined;
  /** Methods that the kernel finds now, in order. */
  resetMethods: readonly string[];
  /** Configuration that pci_save_state kept last, while it could be read. */
  saved: Uint8Array | undefined;

  constructor(description: FunctionDescription) {
    this.bdf = parseBdf(description.bdf);
    this.description = description;
    const bars = barsOf(description);
    this.config = configOf(description);
    if (![64, 256, 4096].includes(this.config.length)) {
      const message = `The configuration space of ${this.bdf} has ${this.config.length} bytes: it has 64, 256 or 4096.`;
      throw new PciRecoveryError('ERR_PCI_BAD_MACHINE', message, { context: { bdf: this.bdf } });
    }
    this.layout = layoutOfConfig(this.config);
    this.#initial = this.config.slice();
    this.#masks = writeMasks(this.config, this.layout, bars);
    this.bars = bars.map((bar) => new Bar(bar));
    this.driver = description.driver === undefined ? 'vfio-pci' : (description.driver ?? undefined);
    this.resetMethods = description.resetMethods ?? this.#defaultMethods();
    this.maskVectors();
  }

  get zpci(): ZpciDescription | undefined {
    return this.description.zpci;
  }

  get command(): number {
    return this.u16(PCI_HEADER.COMMAND);
  }

  /** Reads as hardware answers: all ones while it is silent. */
  read(offset: number, length: number): Uint8Array {
    return this.silence ? new Uint8Array(length).fill(0xff) : this.config.slice(offset, offset + length);
  }

  /** Writes as hardware takes it: read-only bits stay, write-1-to-clear bits are cleared. Dropped while it is silent. */
  write(offset: number, bytes: Uint8Array): void {
    if (this.silence) return;
    const { writable, clearing } = this.#masks;
    bytes.forEach((value, i) => {
      const at = offset + i;
      const held = (this.config[at]! & ~writable[at]!) | (value & writable[at]!);
      this.config[at] = held & ~(value & clearing[at]!);
    });
  }

  /** Sets registers from the machine's side: no mask applies. */
  poke16(offset: number, value: number): void {
    viewOf(this.config).setUint16(offset, value, true);
  }

  poke32(offset: number, value: number): void {
    viewOf(this.config).setUint32(offset, value >>> 0, true);
  }

  u16(offset: number): number {
    return viewOf(this.config).getUint16(offset, true);
  }

  u32(offset: number): number {
    return viewOf(this.config).getUint32(offset, true);
  }

  /**
   * A reset of any kind: registers are as after power-on, memory is cleared, the MSI-X table with it (R5.1). Sticky bits,
   * the error status among them, survive (PCIe r6.1 §7.4).
   */
  reset(): void {
    const { aer } = this.layout;
    const sticky = aer === undefined ? undefined : this.config.slice(aer, aer + AER.ROOT_COMMAND);
    this.config.set(this.#initial);
    if (aer !== undefined) this.config.set(sticky!, aer);
    for (const { index } of this.bars) this.poke32(PCI_HEADER.BASE_ADDRESS_0 + 4 * index, this.#barFlags(index));
    for (const bar of this.bars) bar.reset();
    this.maskVectors();
  }

  /** All vectors are masked after a reset (PCIe r6.1 §7.7.2.7). */
  maskVectors(): void {
    const table = this.msixTable;
    if (!table) return;
    for (let vector = 0; vector < table.vectors; vector++) table.bytes[vector * 16 + 12] = 1;
  }

  /** The MSI-X table: a view of the memory that it lies in. */
  get msixTable():
    | { readonly bar: number; readonly offset: number; readonly vectors: number; readonly bytes: Uint8Array }
    | undefined {
    const at = this.layout.msix;
    if (at === undefined) return undefined;
    const place = this.u32(at + MSIX.TABLE);
    const bar = place & 7;
    const offset = (place & ~7) >>> 0;
    const vectors = (this.u16(at + MSIX.CONTROL) & 0x7ff) + 1;
    const memory = this.bars.find(({ index }) => index === bar);
    return memory && { bar, offset, vectors, bytes: memory.bytes.subarray(offset, offset + vectors * 16) };
  }

  /** pci_save_state: only what can be read is kept (R2.8). */
  save(): void {
    if (!this.silence) this.saved = this.config.slice();
  }

  /** pci_restore_state: registers as they were saved, and the error status cleared (pci_aer_clear_status). */
  restore(): void {
    const { aer, pcie } = this.layout;
    if (!this.saved || this.silence) return;
    this.config.set(this.saved);
    if (aer !== undefined) {
      this.poke32(aer + AER.UNCOR_STATUS, 0);
      this.poke32(aer + AER.COR_STATUS, 0);
    }
    if (pcie !== undefined) this.poke16(pcie + PCIE.DEVICE_STATUS, 0);
  }

  #barFlags(index: number): number {
    return this.#initial[PCI_HEADER.BASE_ADDRESS_0 + 4 * index]! & 0xf;
  }

  #defaultMethods(): readonly string[] {
    const { pcie } = this.layout;
    const flr = pcie !== undefined && (this.u32(pcie + PCIE.DEVICE_CAPABILITIES) & 0x1000_0000) !== 0;
    const bus = this.description.port !== undefined || this.description.slotReset === true;
    return [...(flr ? ['flr'] : []), ...(bus ? ['bus'] : [])];
  }
}

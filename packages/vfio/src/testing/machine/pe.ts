import { type PciFunction } from './pci-function.js';

/** Flags of EEH_STATE_* and EEH_PE_* as `eeh_pe_state` shows them (arch/powerpc/include/asm/eeh.h). */
const STATE = { mmioActive: 0x08, dmaActive: 0x10, mmioEnabled: 0x20, dmaEnabled: 0x40 } as const;
const PE_ISOLATED = 0x1;
const PE_CFG_BLOCKED = 0x4;
const PE_PRIMARY_BUS = 0x800;

/** A partitionable endpoint: its two freezes (R4.5), and what the kernel remembers of it. */
export class Pe {
  readonly address: number;
  readonly functions: readonly PciFunction[];
  mmioFrozen = false;
  dmaFrozen = false;
  /** The kernel has noticed that it is frozen. */
  isolated = false;
  configBlocked = false;
  /** A reset is asserted. */
  resetAsserted = false;
  /** A parent PE is isolated or recovering. */
  parentBusy = false;
  /** Devices of it that are open through VFIO. */
  passed = 0;

  constructor(address: number, functions: readonly PciFunction[]) {
    this.address = address;
    this.functions = functions;
  }

  freeze({ mmio = true, dma = true }: { readonly mmio?: boolean; readonly dma?: boolean } = {}): void {
    this.mmioFrozen ||= mmio;
    this.dmaFrozen ||= dma;
    this.#settle();
  }

  thaw({ mmio = false, dma = false }: { readonly mmio?: boolean; readonly dma?: boolean }): void {
    if (mmio) this.mmioFrozen = false;
    if (dma) this.dmaFrozen = false;
    this.#settle();
  }

  /** Both freezes are gone and the kernel forgets that it was isolated. */
  unfreeze(): void {
    this.thaw({ mmio: true, dma: true });
    this.isolated = false;
  }

  /**
   * Asks firmware. A PE of which both are frozen is marked isolated by it
   * (arch/powerpc/platforms/powernv/eeh-powernv.c:pnv_eeh_get_pe_state): the lab's "monitoring swallows detection".
   */
  poll(): void {
    if (this.mmioFrozen && this.dmaFrozen) this.isolated = true;
  }

  /** The two words of sysfs. */
  get words(): readonly [state: number, pe: number] {
    const mmio = this.mmioFrozen ? 0 : STATE.mmioActive | STATE.mmioEnabled;
    const dma = this.dmaFrozen ? 0 : STATE.dmaActive | STATE.dmaEnabled;
    const pe = PE_PRIMARY_BUS | (this.isolated ? PE_ISOLATED : 0) | (this.configBlocked ? PE_CFG_BLOCKED : 0);
    return [mmio | dma, pe];
  }

  #settle(): void {
    for (const each of this.functions) {
      if (each.silence === 'gone') continue;
      each.silence = this.mmioFrozen ? 'frozen' : undefined;
    }
  }
}

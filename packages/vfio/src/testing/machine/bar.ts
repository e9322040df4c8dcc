import { type BarDescription } from './description.js';

/** The memory behind one base address register. */
export class Bar {
  readonly description: BarDescription;
  readonly index: number;
  readonly size: number;
  readonly space: 'memory' | 'io';
  readonly bytes: Uint8Array;

  constructor(description: BarDescription) {
    this.description = description;
    this.index = description.index;
    this.size = description.size;
    this.space = description.space ?? 'memory';
    this.bytes = new Uint8Array(description.size);
  }

  /** Whole pages of memory can be mapped (drivers/vfio/pci/vfio_pci_core.c:vfio_pci_probe_mmaps). */
  mappable(pageSize: number): boolean {
    return this.space === 'memory' && this.size >= pageSize;
  }

  reset(): void {
    this.bytes.fill(0);
  }
}

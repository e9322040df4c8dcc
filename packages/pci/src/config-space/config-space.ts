import { PciRecoveryError } from '@pci-recovery/core';
import { CONFIG_SIZE } from '../registers/index.js';
import { u16, u32 } from './bytes.js';
import { hex, type Finding, type Report } from './finding.js';

const beyond = (offset: number, width: number, length: number): Finding => ({
  code: 'read_beyond_end',
  offset,
  rule: 'PCIe r6.1 §7.2',
  message: `A read of ${width} byte(s) at ${hex(offset)} is beyond the ${length} bytes that there are.`,
});

/**
 * The configuration space of one function as bytes: 64 (header), 256 (conventional) or 4096 (PCI Express); other
 * lengths up to 4096 are taken as they are. A view: the bytes are not copied. Little-endian, on every machine.
 */
export class ConfigSpace {
  readonly bytes: Uint8Array;
  /** How many bytes there are, at most 4096. */
  readonly length: number;

  /** @throws PciRecoveryError `ERR_PCI_BAD_CONFIG_SPACE` when `bytes` is no Uint8Array. */
  constructor(bytes: Uint8Array) {
    if (!ArrayBuffer.isView(bytes) || (bytes as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT !== 1) {
      throw new PciRecoveryError(
        'ERR_PCI_BAD_CONFIG_SPACE',
        'Configuration space is given as a Uint8Array (a Buffer is one): read its 64, 256 or 4096 bytes.',
        { context: { type: typeof bytes } },
      );
    }
    this.bytes = bytes;
    this.length = Math.min(bytes.length, CONFIG_SIZE.extended);
  }

  /** All of `length` bytes from `offset` on are there. */
  has(offset: number, length: number): boolean {
    return offset >= 0 && offset + length <= this.length;
  }

  /** 8 bits at a byte offset; undefined, and a finding for `report`, when they are not there. */
  u8(offset: number, report?: Report): number | undefined {
    if (this.has(offset, 1)) return this.bytes[offset];
    report?.(beyond(offset, 1, this.length));
    return undefined;
  }

  /** 16 bits, little-endian, at a byte offset; undefined, and a finding for `report`, when they are not there. */
  u16(offset: number, report?: Report): number | undefined {
    if (this.has(offset, 2)) return u16(this.bytes, offset);
    report?.(beyond(offset, 2, this.length));
    return undefined;
  }

  /** 32 bits, little-endian, unsigned, at a byte offset; undefined, and a finding, when they are not there. */
  u32(offset: number, report?: Report): number | undefined {
    if (this.has(offset, 4)) return u32(this.bytes, offset);
    report?.(beyond(offset, 4, this.length));
    return undefined;
  }
}

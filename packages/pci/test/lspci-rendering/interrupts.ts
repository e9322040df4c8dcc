import { type BarPlace, type MsiCapability, type MsixCapability } from '../../src/index.js';
import { hex, mark, marks } from './text.js';

/** All lines of the MSI capability, the first without `Capabilities: [xx]`. */
export function msiLines(msi: MsiCapability): string[] {
  const { control: c, masking, registers } = msi;
  const address = c.address64 ? hex(msi.address, 16) : hex(msi.address, 8);
  return [
    `MSI: Enable${mark(c.enable)} Count=${msi.vectorsAllocated}/${msi.vectorsRequested} ${marks(['Maskable', c.perVectorMasking], ['64bit', c.address64])}`,
    `\t\tAddress: ${address}  Data: ${hex(registers.data, 4)}`,
    ...(masking ? [`\t\tMasking: ${hex(masking.mask, 8)}  Pending: ${hex(masking.pending, 8)}`] : []),
  ];
}

const place = ({ bar, offset }: BarPlace): string => `BAR=${bar} offset=${hex(offset, 8)}`;

/** All lines of the MSI-X capability, the first without `Capabilities: [xx]`. */
export const msixLines = (msix: MsixCapability): string[] => [
  `MSI-X: Enable${mark(msix.enabled)} Count=${msix.tableSize} Masked${mark(msix.functionMasked)}`,
  `\t\tVector table: ${place(msix.table)}`,
  `\t\tPBA: ${place(msix.pendingBitArray)}`,
];

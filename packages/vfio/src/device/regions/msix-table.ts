import { type MsixCapability } from '@pci-recovery/pci';
import { type VfioRegion } from './vfio-region.js';

/** Bytes of a vector's entry: address, data, control. */
const ENTRY = 16;

/** The largest page of the architectures here: what is mapped begins and ends at one. */
const PAGE = 65_536;

/** Where the MSI-X table is: pages to be mapped, and its place in them. Bytes. */
export interface MsixPlace {
  readonly region: VfioRegion;
  /** Of the first page, from the region's start. */
  readonly offset: number;
  /** Of all pages. */
  readonly length: number;
  /** Of the table, from the first page's start. */
  readonly start: number;
  readonly vectors: number;
}

/** The pages that the table lies in. A region that is shorter than a page is mapped whole. */
export function msixPages({ table, tableSize }: MsixCapability, region: VfioRegion): MsixPlace {
  const offset = table.offset - (table.offset % PAGE);
  const end = Math.ceil((table.offset + tableSize * ENTRY) / PAGE) * PAGE;
  const length = Math.min(end, Number(region.info.size)) - offset;
  return { region, offset, length, start: table.offset - offset, vectors: tableSize };
}

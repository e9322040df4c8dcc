import { powerField, powerMask, type PowerBit, type PowerBitTable } from './bits.js';
import { type PestRegisters } from './diag-data.js';
import { type PhbModel } from './layout.js';
import { bitTableOf } from './tables/index.js';

/** What kind of transaction stopped the PE (skiboot include/phb4-regs.h PEST_TTYPE_*). */
export type PestTransaction =
  'dma_write' | 'msi' | 'dma_read' | 'dma_read_response' | 'mmio_load' | 'mmio_store' | 'unknown' | 'other';

const TRANSACTIONS: readonly PestTransaction[] = [
  'dma_write',
  'msi',
  'dma_read',
  'dma_read_response',
  'mmio_load',
  'mmio_store',
  'unknown',
  'other',
];

/** Flags of PEST A: bit number (0 is the most significant), name on PHB3, name on PHB4. */
const FLAGS: readonly (readonly [bit: number, phb3: string, phb4: string])[] = [
  [2, 'mmio_cause', 'mmio_cause'],
  [3, 'config_read', 'config_read'],
  [4, 'config_write', 'config_write'],
  [8, 'completer_abort_or_timeout', 'completer_abort_or_timeout'],
  [9, 'unsupported_request', 'unsupported_request'],
  [10, 'utl_nonfatal', 'pcie_nonfatal'],
  [11, 'utl_fatal', 'pcie_fatal'],
  [13, 'parity_uncorrectable', 'parity_uncorrectable'],
  [14, 'utl_correctable', 'pcie_correctable'],
  [15, 'utl_interrupt', 'pcie_interrupt'],
  [16, 'mmio_translation_or_ioda', 'mmio_translation_or_ioda'],
  [18, 'tce_page_fault', 'tce_page_fault'],
  [19, 'tce_access_fault', 'tce_access_fault'],
  [20, 'dma_response_timeout', 'dma_response_timeout'],
  [21, 'aib_size_invalid', 'aib_size_invalid'],
];

/** Why and where a PE was stopped: PHB3 and PHB4. */
export interface PestCause {
  /** Names of the flags of PEST A that are set. */
  readonly flags: readonly string[];
  readonly transaction: PestTransaction;
  /** The bit of lemFir that belongs to the error. */
  readonly lem: PowerBit;
  /** Requester id: bus 15:8, device 7:3, function 2:0. */
  readonly requester: number;
  /** Data of the MSI, 16 bits. */
  readonly msiData: number;
  /** Address that failed, 61 bits. */
  readonly address: bigint;
}

/** One entry of the PE state table. */
export interface PestEntry extends PestRegisters {
  /** MMIO loads and stores are stopped. */
  readonly mmioFrozen: boolean;
  /** DMA is stopped. */
  readonly dmaFrozen: boolean;
  /** Undefined on P7IOC, of which no public source tells more than the frozen bits. */
  readonly cause?: PestCause;
}

const ADDRESS = (1n << 61n) - 1n;

function causeOf({ a, b }: PestRegisters, model: PhbModel): PestCause {
  const lem = powerField(a, 26, 31);
  const table: PowerBitTable | undefined = bitTableOf(model, 'lemFir');
  return {
    flags: FLAGS.filter(([bit]) => a & powerMask(bit)).map(([, phb3, phb4]) => (model === 'phb3' ? phb3 : phb4)),
    transaction: TRANSACTIONS[powerField(a, 5, 7)]!,
    lem: table?.get(lem) ?? { bit: lem },
    requester: powerField(a, 32, 47),
    msiData: powerField(a, 48, 63),
    address: b & ADDRESS,
  };
}

/**
 * Decodes PEST A and B of one PE (skiboot include/phb3-regs.h IODA2_PEST*, include/phb4-regs.h IODA3_PEST*). The frozen
 * bits are the most significant of each (Linux pnv_pci_dump_pest, PNV_IODA_STOPPED_STATE).
 */
export function decodePest(registers: PestRegisters, model: PhbModel): PestEntry {
  const { pe, a, b } = registers;
  const frozen = { mmioFrozen: (a & powerMask(0)) !== 0n, dmaFrozen: (b & powerMask(0)) !== 0n };
  return { pe, a, b, ...frozen, ...(model !== 'p7ioc' && { cause: causeOf(registers, model) }) };
}

import { powerBits, type PowerBitTable } from '../bits.js';
import { type PhbModel } from '../layout.js';
import { LEM_ERRORS, NEST_ERRORS } from './fir.js';
import { RXE_ARB_ERRORS, RXE_MRG_ERRORS, RXE_TCE_ERRORS } from './phb4-inbound.js';
import { PBL_ERRORS, REGB_ERRORS } from './phb4-link.js';
import { PHB_ERRORS, TXE_ERRORS } from './phb4-outbound.js';

/** phbPlssr: CPU load/store status (skiboot include/phb3-regs.h, phb4-regs.h: PHB_CPU_LS_*). */
const LOAD_STORE_STATUS = powerBits([
  [27, 'load/store: any error'],
  [28, 'load/store: any first error'],
  [29, 'load/store: any freeze'],
]);

/** phbCsr: DMA channel status (skiboot include/phb3-regs.h, phb4-regs.h: PHB_DMA_CHAN_*). */
const DMA_CHANNEL_STATUS = powerBits([
  [27, 'DMA: any error'],
  [28, 'DMA: any first error'],
  [29, 'DMA: any freeze'],
]);

const both = (name: string, table: PowerBitTable): [string, PowerBitTable][] => [
  [`${name}ErrorStatus`, table],
  [`${name}FirstErrorStatus`, table],
];
const fir = (name: string, mask: string, table: PowerBitTable): [string, PowerBitTable][] =>
  [`${name}Fir`, mask, `${name}WOF`].map((register) => [register, table]);

const nest = (table: PowerBitTable): [string, PowerBitTable][] =>
  ['nFir', 'nFirMask', 'nFirWOF'].map((register) => [register, table]);

/** Of PHB3 only those bits that all generations have (skiboot external/pci-scripts/phberr.py:nfir_bits). */
const NEST_OF_ALL: PowerBitTable = new Map([...NEST_ERRORS].filter(([bit]) => bit < 22));

const STATUS: [string, PowerBitTable][] = [
  ['phbPlssr', LOAD_STORE_STATUS],
  ['phbCsr', DMA_CHANNEL_STATUS],
];

const TABLES: Readonly<Record<PhbModel, ReadonlyMap<string, PowerBitTable>>> = {
  p7ioc: new Map(),
  phb3: new Map([...nest(NEST_OF_ALL), ...STATUS]),
  phb4: new Map([
    ...nest(NEST_ERRORS),
    ...STATUS,
    ...fir('lem', 'lemErrorMask', LEM_ERRORS),
    ...both('phb', PHB_ERRORS),
    ...both('phbTxe', TXE_ERRORS),
    ...both('phbRxeArb', RXE_ARB_ERRORS),
    ...both('phbRxeMrg', RXE_MRG_ERRORS),
    ...both('phbRxeTce', RXE_TCE_ERRORS),
    ...both('phbPbl', PBL_ERRORS),
    ...both('phbRegb', REGB_ERRORS),
  ]),
};

/** The names of the bits of `register` (64 bits), as far as public sources tell them. */
export const bitTableOf = (model: PhbModel, register: string): PowerBitTable | undefined => TABLES[model].get(register);

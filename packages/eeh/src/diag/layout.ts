/** Which PCIe host bridge (PHB) the data describes: of POWER7 (P7IOC), POWER8 (PHB3), POWER9 and POWER10 (PHB4, PHB5). */
export type PhbModel = 'p7ioc' | 'phb3' | 'phb4';

/** Where one register lies within the blob. */
export interface DiagRegister {
  readonly name: string;
  /** Byte offset in the blob. */
  readonly offset: number;
  /** Bytes; big-endian. */
  readonly width: 4 | 8;
}

/** Layout of the blob of one model. */
export interface DiagLayout {
  readonly model: PhbModel;
  /** `ioType` in the header. */
  readonly ioType: number;
  /** In the order of their offsets, from behind the header up to the PEST. `rsv3` and `reservedPadding` are padding. */
  readonly registers: readonly DiagRegister[];
  /** How many PEs the PE state table (PEST) has. */
  readonly pestEntries: number;
  /** Byte offset of the PEST A of PE#0; PEST B follows behind the last PEST A. Eight bytes each. */
  readonly pestA: number;
  readonly pestB: number;
  /** Bytes of the whole blob. */
  readonly length: number;
}

/** The header that all blobs have: version, ioType, len; four bytes each (OpalIoPhbErrorCommon). */
export const DIAG_HEADER = { VERSION: 0, IO_TYPE: 4, LENGTH: 8, size: 12 } as const;

/** The version that is known (OPAL_PHB_ERROR_DATA_VERSION_1). */
export const DIAG_VERSION = 1;

const AER_AND_CONFIG = [
  'deviceStatus',
  'slotStatus',
  'linkStatus',
  'devCmdStatus',
  'devSecStatus',
  'rootErrorStatus',
  'uncorrErrorStatus',
  'corrErrorStatus',
  'tlpHdr1',
  'tlpHdr2',
  'tlpHdr3',
  'tlpHdr4',
  'sourceId',
];
const UTL = ['portStatusReg', 'rootCmplxStatus', 'busAgentStatus'];
const LEM = ['lemFir', 'lemErrorMask', 'lemWOF'];
const NEST = ['nFir', 'nFirMask', 'nFirWOF'];
const STATUS = ['phbPlssr', 'phbCsr'];
const unit = (name: string): string[] => [
  `${name}ErrorStatus`,
  `${name}FirstErrorStatus`,
  `${name}ErrorLog0`,
  `${name}ErrorLog1`,
];

/** Lays registers out as the C compiler does: 64-bit ones at multiples of eight. */
function layout(
  model: PhbModel,
  ioType: number,
  pestEntries: number,
  narrow: readonly string[],
  wide: readonly string[],
): DiagLayout {
  const registers: DiagRegister[] = [];
  let offset: number = DIAG_HEADER.size;
  const place = (name: string, width: 4 | 8): void => {
    registers.push({ name, offset, width });
    offset += width;
  };
  for (const name of narrow) place(name, 4);
  if (offset % 8 !== 0) place('reservedPadding', 4);
  for (const name of wide) place(name, 8);
  const pestB = offset + 8 * pestEntries;
  return { model, ioType, registers, pestEntries, pestA: offset, pestB, length: pestB + 8 * pestEntries };
}

/**
 * Layouts of the blobs (Linux arch/powerpc/include/asm/opal-api.h, skiboot include/opal-api.h: OpalIoP7IOCPhbErrorData,
 * OpalIoPhb3ErrorData, OpalIoPhb4ErrorData). PHB5 of POWER10 says that it is a PHB4 (skiboot hw/phb4.c).
 */
export const DIAG_LAYOUTS: readonly DiagLayout[] = [
  layout(
    'p7ioc',
    1,
    128,
    ['brdgCtl', ...UTL, ...AER_AND_CONFIG, 'rsv3'],
    ['errorClass', 'correlator', 'p7iocPlssr', 'p7iocCsr', ...LEM, ...['phb', 'mmio', 'dma0', 'dma1'].flatMap(unit)],
  ),
  layout(
    'phb3',
    2,
    256,
    ['brdgCtl', ...UTL, ...AER_AND_CONFIG, 'rsv3'],
    ['errorClass', 'correlator', ...NEST, ...STATUS, ...LEM, ...['phb', 'mmio', 'dma0', 'dma1'].flatMap(unit)],
  ),
  layout(
    'phb4',
    3,
    512,
    ['brdgCtl', ...AER_AND_CONFIG],
    [
      ...NEST,
      ...STATUS,
      ...LEM,
      ...['phb', 'phbTxe', 'phbRxeArb', 'phbRxeMrg', 'phbRxeTce', 'phbPbl'].flatMap(unit),
      ...['phbPcieDlpErrorLog1', 'phbPcieDlpErrorLog2', 'phbPcieDlpErrorStatus'],
      ...unit('phbRegb'),
    ],
  ),
];

/** The layout of `model`. */
export const layoutOf = (model: PhbModel): DiagLayout => DIAG_LAYOUTS.find((layout) => layout.model === model)!;

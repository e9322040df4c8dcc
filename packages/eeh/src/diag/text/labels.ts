import { layoutOf, type DiagRegister, type PhbModel } from '../layout.js';

const unit = (name: string): readonly string[] => [
  `${name}ErrorStatus`,
  `${name}FirstErrorStatus`,
  `${name}ErrorLog0`,
  `${name}ErrorLog1`,
];

/**
 * What the values behind a label are (Linux arch/powerpc/platforms/powernv/pci.c: pnv_pci_dump_p7ioc_diag_data,
 * pnv_pci_dump_phb3_diag_data, pnv_pci_dump_phb4_diag_data). In the oldest kernels each register had its own line, with its
 * own name as label.
 */
const LABELS: Readonly<Record<string, readonly string[]>> = {
  UtlSts: ['portStatusReg', 'rootCmplxStatus', 'busAgentStatus'],
  RootSts: ['deviceStatus', 'slotStatus', 'linkStatus', 'devCmdStatus', 'devSecStatus'],
  RootErrSts: ['rootErrorStatus', 'uncorrErrorStatus', 'corrErrorStatus'],
  RootErrLog: ['tlpHdr1', 'tlpHdr2', 'tlpHdr3', 'tlpHdr4'],
  RootErrLog1: ['sourceId', 'errorClass', 'correlator'],
  nFir: ['nFir', 'nFirMask', 'nFirWOF'],
  PhbSts: ['phbPlssr', 'phbCsr'],
  Lem: ['lemFir', 'lemErrorMask', 'lemWOF'],
  PhbErr: unit('phb'),
  OutErr: unit('mmio'),
  InAErr: unit('dma0'),
  InBErr: unit('dma1'),
  PhbTxeErr: unit('phbTxe'),
  RxeArbErr: unit('phbRxeArb'),
  RxeMrgErr: unit('phbRxeMrg'),
  RxeTceErr: unit('phbRxeTce'),
  PblErr: unit('phbPbl'),
  PcieDlp: ['phbPcieDlpErrorLog1', 'phbPcieDlpErrorLog2', 'phbPcieDlpErrorStatus'],
  RegbErr: unit('phbRegb'),
};

const MODELS: readonly PhbModel[] = ['p7ioc', 'phb3', 'phb4'];
const REGISTERS: Readonly<Record<PhbModel, ReadonlyMap<string, DiagRegister>>> = {
  p7ioc: registersOf('p7ioc'),
  phb3: registersOf('phb3'),
  phb4: registersOf('phb4'),
};

function registersOf(model: PhbModel): ReadonlyMap<string, DiagRegister> {
  return new Map(layoutOf(model).registers.map((register) => [register.name, register]));
}

/** The register of that name. */
export const registerOf = (model: PhbModel, name: string): DiagRegister | undefined =>
  REGISTERS[model].get(model === 'p7ioc' ? name.replace(/^phb(?=Plssr$|Csr$)/, 'p7ioc') : name);

/** Whether any model's dump has such a label. */
export const isLabel = (label: string): boolean =>
  Object.hasOwn(LABELS, label) || MODELS.some((model) => registerOf(model, label) !== undefined);

/** The registers whose values stand behind `label`; undefined when `model` has no such line of `count` values. */
export function registersBehind(model: PhbModel, label: string, count: number): readonly DiagRegister[] | undefined {
  const group = Object.hasOwn(LABELS, label) ? LABELS[label]! : [];
  const names = group.length === count ? group : count === 1 ? [label] : [];
  const registers = names.map((name) => registerOf(model, name)).filter((register) => register !== undefined);
  return names.length > 0 && registers.length === names.length ? registers : undefined;
}

/** The one of `models` that all of these registers belong to; undefined when there is no single one. */
export function modelOf(names: readonly string[], models: readonly PhbModel[]): PhbModel | undefined {
  const fitting = models.filter((model) => names.every((name) => REGISTERS[model].has(name)));
  return fitting.length === 1 ? fitting[0] : undefined;
}

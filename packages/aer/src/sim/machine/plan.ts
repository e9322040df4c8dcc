import { type Bdf } from '@pci-recovery/core';
import { PCIE_TYPE } from '@pci-recovery/pci';
import { type PortType } from '@pci-recovery/pci/topology';
import { type ImplementedErrors } from '../access/aer-rows.js';
import { type AnyDescription, type OnFatal } from './description.js';

/** Kinds of functions in a description. */
export type FunctionKind = AnyDescription['kind'];

/** A function of a checked description, with every default filled in. */
export interface PlannedFunction {
  readonly bdf: Bdf;
  readonly bus: number;
  readonly kind: FunctionKind;
  /** Device/Port Type, 4 bits; meaningless for conventional functions. */
  readonly typeCode: number;
  readonly bridge: boolean;
  readonly vendorId: number;
  readonly deviceId: number;
  readonly driver: string | undefined;
  readonly registers: Uint8Array | undefined;
  readonly readyAfterMs: number;
  readonly linkUpAfterMs: number;
  readonly linkSpeed: number;
  readonly aer: boolean;
  readonly errors: ImplementedErrors;
  readonly roleBased: boolean;
  readonly headerRecords: number;
  readonly prefixLog: boolean;
  readonly onFatal: OnFatal;
  readonly flr: boolean;
  readonly bist: boolean;
  /** 0: no MSI-X. */
  readonly msixVectors: number;
  readonly children: readonly PlannedFunction[];
  readonly virtuals: readonly PlannedFunction[];
  readonly collects: readonly PlannedFunction[];
  /** Of a bridge; 0 elsewhere. */
  readonly secondary: number;
  readonly subordinate: number;
  /** Of a physical function: routing id offset of its first virtual function, and from one to the next. */
  readonly firstVirtualOffset: number;
  readonly virtualStride: number;
  /** Another function has the same device number. */
  multiFunction: boolean;
  physical: PlannedFunction | undefined;
  collector: PlannedFunction | undefined;
}

/** Device/Port Type by kind. */
export const TYPE_CODES: Readonly<Record<Exclude<FunctionKind, 'conventional'>, number>> = {
  endpoint: PCIE_TYPE.ENDPOINT,
  legacy_endpoint: PCIE_TYPE.LEGACY_ENDPOINT,
  root_port: PCIE_TYPE.ROOT_PORT,
  upstream_port: PCIE_TYPE.UPSTREAM_PORT,
  downstream_port: PCIE_TYPE.DOWNSTREAM_PORT,
  pcie_to_pci_bridge: PCIE_TYPE.PCIE_TO_PCI_BRIDGE,
  rciep: PCIE_TYPE.RCIEP,
  rcec: PCIE_TYPE.RCEC,
};

/** What enumeration calls it; undefined for a conventional function. */
export const portTypeOfKind = (kind: FunctionKind): PortType | undefined =>
  kind === 'conventional' ? undefined : kind;

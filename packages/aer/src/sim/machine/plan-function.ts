import { bdfParts, parseBdf, PciRecoveryError, requesterId, type Bdf } from '@pci-recovery/core';
import { decodeFunction } from '@pci-recovery/pci';
import { ALL_ERRORS, VIRTUAL_FUNCTION_ERRORS } from '../access/aer-rows.js';
import {
  type AnyDescription,
  type EndpointDescription,
  type ExpressDescription,
  type VirtualFunctionDescription,
} from './description.js';
import { type FunctionKind, type PlannedFunction, TYPE_CODES } from './plan.js';

const DEFAULT_VECTORS = 8;
const MOST_VECTORS = 2048;
const MOST_RECORDS = 32;
const MOST_MS = 3_600_000;

/** The error of every description that cannot be built. */
export const badMachine = (bdf: string, message: string): PciRecoveryError =>
  new PciRecoveryError('ERR_PCI_SIM_BAD_MACHINE', `${bdf}: ${message}`, { context: { bdf } });

/** Every property that some kind of function has. */
type Loose = Partial<
  Omit<EndpointDescription, 'kind' | 'bdf'> & {
    linkUpAfterMs: number;
    linkSpeed: number;
    secondary: number;
    below: readonly AnyDescription[];
    collects: readonly AnyDescription[];
  }
>;

const within = (bdf: Bdf, name: string, value: number, least: number, most: number): number => {
  if (Number.isFinite(value) && value >= least && value <= most) return value;
  throw badMachine(bdf, `${name} is ${value}: give a number from ${least} to ${most}.`);
};

const hasFlr = (kind: FunctionKind, given: boolean | undefined): boolean =>
  (kind === 'endpoint' || kind === 'legacy_endpoint' || kind === 'rciep' || kind === 'rcec') && given !== false;

const isBridge = (kind: FunctionKind): boolean =>
  kind === 'root_port' || kind === 'upstream_port' || kind === 'downstream_port' || kind === 'pcie_to_pci_bridge';

function vectorsOf(bdf: Bdf, kind: FunctionKind, given: Loose['msix']): number {
  const carries = kind === 'endpoint' || kind === 'legacy_endpoint' || kind === 'rciep';
  if (given === false || !carries) return 0;
  return within(bdf, 'msix.vectors', given?.vectors ?? DEFAULT_VECTORS, 1, MOST_VECTORS);
}

function errorsOf(kind: FunctionKind, given: ExpressDescription['errors']): PlannedFunction['errors'] {
  if (kind === 'conventional') return { uncorrectable: 0, correctable: 0 };
  return {
    uncorrectable: ((given?.uncorrectable ?? ALL_ERRORS.uncorrectable) & ALL_ERRORS.uncorrectable) >>> 0,
    correctable: (given?.correctable ?? ALL_ERRORS.correctable) & ALL_ERRORS.correctable,
  };
}

/** Registers that were given must be those of a function of that kind. */
function registersOf(bdf: Bdf, kind: FunctionKind, given: Uint8Array | undefined): Uint8Array | undefined {
  if (given === undefined) return undefined;
  const { header, pcie } = decodeFunction(given);
  const bridge = header?.layout === 'bridge';
  if (header !== undefined && (pcie?.portType ?? 'conventional') === kind && bridge === isBridge(kind)) return given;
  throw badMachine(bdf, `its registers are not those of a function of kind ${kind}.`);
}

/** What is around a function. */
interface Surroundings {
  readonly children: readonly PlannedFunction[];
  readonly collects: readonly PlannedFunction[];
}

/**
 * Checks a function and fills in its defaults.
 * @throws PciRecoveryError `ERR_PCI_SIM_BAD_MACHINE`, `ERR_PCI_BAD_BDF`.
 */
export function planFunction(given: AnyDescription, { children, collects }: Surroundings): PlannedFunction {
  const bdf = parseBdf(given.bdf);
  const { kind } = given;
  const loose: Loose = given;
  const virtuals = (loose.virtualFunctions ?? []).map((one) => planVirtual(one, loose));
  const plan: PlannedFunction = {
    ...common(bdf, kind, loose),
    children,
    virtuals,
    collects,
    ...busNumbers(bdf, kind, loose.secondary, children),
    ...virtualRouting(bdf, virtuals),
  };
  for (const virtual of virtuals) virtual.physical = plan;
  for (const one of collects) one.collector = plan;
  return plan;
}

type Placed =
  'children' | 'virtuals' | 'collects' | 'secondary' | 'subordinate' | 'firstVirtualOffset' | 'virtualStride';

function common(bdf: Bdf, kind: FunctionKind, given: Loose): Omit<PlannedFunction, Placed> {
  return {
    bdf,
    bus: bdfParts(bdf).bus,
    kind,
    typeCode: kind === 'conventional' ? 0 : TYPE_CODES[kind],
    bridge: isBridge(kind),
    vendorId: within(bdf, 'vendorId', given.vendorId ?? 0x1af4, 0, 0xfffe),
    deviceId: within(bdf, 'deviceId', given.deviceId ?? 0x1000, 0, 0xfffe),
    driver: given.driver,
    registers: registersOf(bdf, kind, given.registers),
    readyAfterMs: within(bdf, 'readyAfterMs', given.readyAfterMs ?? 0, 0, MOST_MS),
    linkUpAfterMs: within(bdf, 'linkUpAfterMs', given.linkUpAfterMs ?? 0, 0, MOST_MS),
    linkSpeed: within(bdf, 'linkSpeed', given.linkSpeed ?? 4, 1, 6),
    aer: kind !== 'conventional' && given.aer !== false,
    errors: errorsOf(kind, given.errors),
    roleBased: given.roleBased !== false,
    headerRecords: within(bdf, 'headerRecords', given.headerRecords ?? 1, 1, MOST_RECORDS),
    prefixLog: given.prefixLog === true,
    onFatal: given.onFatal ?? 'answering',
    flr: hasFlr(kind, given.flr),
    bist: given.bist === true,
    msixVectors: vectorsOf(bdf, kind, given.msix),
    multiFunction: false,
    physical: undefined,
    collector: undefined,
  };
}

function planVirtual(given: VirtualFunctionDescription, physical: Loose): PlannedFunction {
  const bdf = parseBdf(given.bdf);
  const own: Loose = { ...given, ...(physical.roleBased === undefined ? {} : { roleBased: physical.roleBased }) };
  return {
    ...common(bdf, 'endpoint', own),
    errors: VIRTUAL_FUNCTION_ERRORS,
    children: [],
    virtuals: [],
    collects: [],
    secondary: 0,
    subordinate: 0,
    firstVirtualOffset: 0,
    virtualStride: 0,
  };
}

const highestBus = (plan: PlannedFunction): number =>
  Math.max(plan.bus, plan.subordinate, ...plan.virtuals.map((one) => one.bus));

function busNumbers(
  bdf: Bdf,
  kind: FunctionKind,
  given: number | undefined,
  children: readonly PlannedFunction[],
): Pick<PlannedFunction, 'secondary' | 'subordinate'> {
  if (!isBridge(kind)) return { secondary: 0, subordinate: 0 };
  const { bus, domain } = bdfParts(bdf);
  const secondary = given ?? children[0]?.bus;
  if (secondary === undefined) throw badMachine(bdf, 'nothing is below this bridge: give its secondary bus number.');
  within(bdf, 'secondary', secondary, bus + 1, 0xff);
  for (const child of children) {
    if (child.bus === secondary && bdfParts(child.bdf).domain === domain) continue;
    throw badMachine(child.bdf, `it is below ${bdf}, so it must be on bus ${secondary.toString(16).padStart(2, '0')}.`);
  }
  return { secondary, subordinate: Math.max(secondary, ...children.map(highestBus)) };
}

function virtualRouting(
  bdf: Bdf,
  virtuals: readonly PlannedFunction[],
): Pick<PlannedFunction, 'firstVirtualOffset' | 'virtualStride'> {
  const [first, second] = virtuals;
  if (!first) return { firstVirtualOffset: 0, virtualStride: 0 };
  const firstVirtualOffset = requesterId(first.bdf) - requesterId(bdf);
  const virtualStride = second ? requesterId(second.bdf) - requesterId(first.bdf) : 1;
  if (firstVirtualOffset < 1 || virtualStride < 1) {
    throw badMachine(bdf, 'virtual functions come behind their physical function, in ascending order.');
  }
  virtuals.forEach((one, n) => {
    if (requesterId(one.bdf) === requesterId(first.bdf) + n * virtualStride) return;
    throw badMachine(one.bdf, `virtual function ${n} breaks the stride of ${virtualStride} routing ids.`);
  });
  return { firstVirtualOffset, virtualStride };
}

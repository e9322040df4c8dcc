import { bdfParts, compareBdf, parseBdf, PciRecoveryError, type Bdf, type Clock } from '@pci-recovery/core';
import { PciTopology, type PortType, type TopologyFunction } from '@pci-recovery/pci/topology';
import { type HostBridge } from '../port.js';
import {
  type EehMachineDescription,
  type EndpointDescription,
  type HostBridgeDescription,
  type PortDescription,
} from './description.js';
import { FaultBook } from './faults.js';
import { InterruptLine } from './interrupt-line.js';
import { Registers } from './registers.js';
import { Witness } from './witness.js';

/** The two freeze bits of a PE, and why it may not answer. */
export interface SimulatedPe {
  readonly phb: number;
  readonly number: number;
  readonly functions: SimulatedFunction[];
  mmioFrozen: boolean;
  dmaFrozen: boolean;
  /** In reset, asserted by firmware (pSeries). */
  inReset: boolean;
  /** Nanoseconds on the machine's clock: temporarily unavailable until then. */
  unavailableUntil: number;
  lost: boolean;
}

export interface SimulatedFunction {
  readonly bdf: Bdf;
  /** Its bus number, 0–255. */
  readonly bus: number;
  readonly description: EndpointDescription | PortDescription;
  readonly pe: SimulatedPe;
  /** The host bridge that it is below. */
  readonly hostBridge: SimulatedHostBridge;
  readonly registers: Registers;
  readonly physical: Bdf | undefined;
  readonly secondary: number | undefined;
  generation: number;
  /** Software knows it. */
  known: boolean;
  /** The card is there. */
  there: boolean;
  /** Held in reset. */
  inReset: boolean;
  /** Nanoseconds on the machine's clock: it does not answer until then. */
  silentUntil: number;
  /** Device memory: byte offset → double word; a reset clears it. */
  readonly memory: Map<number, number>;
}

export interface SimulatedHostBridge extends HostBridge {
  /** All below it, in the order of their description. */
  readonly functions: SimulatedFunction[];
  /** No configuration request reaches a frozen PE: so do a P7IOC and the hypervisor of pSeries. */
  readonly blocksConfig: boolean;
  state: 'working' | 'fenced' | 'dead';
  readonly pes: Map<number, SimulatedPe>;
  /** What OPAL_PCI_NEXT_ERROR has to report, oldest first. */
  readonly errors: { readonly error: number; readonly severity: number; readonly pe: number }[];
  /** A reset that firmware does by itself. */
  reset: { readonly due: number; done(): void } | undefined;
}

/** Everything that a simulated machine consists of. */
export interface Machine {
  readonly clock: Clock;
  readonly flavour: 'opal' | 'rtas';
  readonly bridges: Map<number, SimulatedHostBridge>;
  readonly functions: Map<Bdf, SimulatedFunction>;
  readonly faults: FaultBook;
  readonly witness: Witness;
  readonly interrupts: InterruptLine;
  readonly resetMs: { readonly hot: number; readonly fundamental: number; readonly complete: number };
  topology: PciTopology;
}

const refuse = (message: string, context: Record<string, string | number>): PciRecoveryError =>
  new PciRecoveryError('ERR_PCI_SIM_BAD_MACHINE', message, { context });

/** @throws PciRecoveryError `ERR_PCI_SIM_BAD_MACHINE`, `ERR_PCI_BAD_BDF`. */
export function buildMachine(description: EehMachineDescription): Machine {
  const { clock, resetMs } = description;
  const machine: Machine = {
    clock,
    flavour: description.firmware ?? 'opal',
    bridges: new Map(),
    functions: new Map(),
    faults: new FaultBook(),
    witness: new Witness(clock, description.log),
    interrupts: new InterruptLine(),
    resetMs: { hot: 300, fundamental: 1000, complete: 1500, ...resetMs },
    topology: new PciTopology([]),
  };
  for (const bridge of description.hostBridges) addHostBridge(machine, bridge);
  enumerate(machine);
  return machine;
}

function addHostBridge(machine: Machine, { phb, model = 'phb4', below }: HostBridgeDescription): void {
  if (machine.bridges.has(phb)) throw refuse(`There are two host bridges of domain ${phb}.`, { phb });
  const buses = below.map(({ bdf }) => bdfParts(inDomain(bdf, phb)).bus);
  const rootBus = buses.length > 0 ? Math.min(...buses) : 0;
  const bridge: SimulatedHostBridge = {
    phb,
    rootBus,
    model,
    state: 'working',
    pes: new Map(),
    functions: [],
    blocksConfig: machine.flavour === 'rtas' || model === 'p7ioc',
    errors: [],
    reset: undefined,
  };
  machine.bridges.set(phb, bridge);
  for (const one of below) addFunction(machine, bridge, one);
}

/** An address without domain is one of the host bridge's. */
const inDomain = (text: string, phb: number): Bdf =>
  parseBdf(text.split(':').length > 2 ? text : `${phb.toString(16).padStart(4, '0')}:${text}`);

function addFunction(
  machine: Machine,
  bridge: SimulatedHostBridge,
  description: EndpointDescription | PortDescription,
  physical?: Bdf,
): void {
  const bdf = inDomain(description.bdf, bridge.phb);
  const { domain, bus } = bdfParts(bdf);
  if (domain !== bridge.phb) throw refuse(`${bdf} is not in domain ${bridge.phb}.`, { bdf, phb: bridge.phb });
  if (machine.functions.has(bdf)) throw refuse(`There are two functions at ${bdf}.`, { bdf });
  const port = description.kind !== 'endpoint';
  const secondary = port ? secondaryOf(description, bridge, bus) : undefined;
  const number = description.pe ?? defaultPe(machine, bdf, physical !== undefined);
  const probed = port || description.unprobed !== true;
  const fn: SimulatedFunction = {
    bdf,
    bus,
    description,
    physical,
    secondary,
    pe: peOf(bridge, number),
    hostBridge: bridge,
    registers: new Registers({
      bdf,
      type: description.kind,
      vendorId: description.vendorId ?? 0x1014,
      deviceId: description.deviceId ?? 1,
      flr: !port && (description.flr ?? true),
      virtual: physical !== undefined,
      ...(secondary !== undefined && { secondary }),
    }),
    generation: 0,
    known: probed,
    there: probed,
    inReset: false,
    silentUntil: 0,
    memory: new Map(),
  };
  machine.functions.set(bdf, fn);
  bridge.functions.push(fn);
  fn.pe.functions.push(fn);
  if (port) for (const one of description.below ?? []) addFunction(machine, bridge, one);
  else
    for (const one of description.virtualFunctions ?? [])
      addFunction(machine, bridge, { kind: 'endpoint', ...one }, bdf);
}

function secondaryOf({ below, bdf }: PortDescription, { phb }: SimulatedHostBridge, bus: number): number {
  const buses = (below ?? []).map((one) => bdfParts(inDomain(one.bdf, phb)).bus);
  const secondary = buses[0] ?? bus + 1;
  if (buses.some((one) => one !== secondary) || secondary <= bus) {
    throw refuse(`What is below ${bdf} must be on one bus with a number above its own.`, { bdf });
  }
  return secondary;
}

/** One PE per bus; one per virtual function. Never 0, which is the host bridge's own. */
function defaultPe({ flavour }: Machine, bdf: Bdf, virtual: boolean): number {
  const { bus, device, function: fn } = bdfParts(bdf);
  const within = virtual ? (device << 3) | fn : 0;
  return flavour === 'opal' ? (virtual ? 0x100 + within : bus + 1) : (bus << 16) | (within << 8) | 0x100;
}

function peOf(bridge: SimulatedHostBridge, number: number): SimulatedPe {
  let pe = bridge.pes.get(number);
  if (!pe) {
    const { phb } = bridge;
    const free = { mmioFrozen: false, dmaFrozen: false, inReset: false, unavailableUntil: 0, lost: false };
    pe = { phb, number, functions: [], ...free };
    bridge.pes.set(number, pe);
  }
  return pe;
}

/** Makes the topology anew from what software knows. */
export function enumerate(machine: Machine): void {
  const known = [...machine.functions.values()].filter((fn) => fn.known);
  machine.topology = new PciTopology(known.sort((a, b) => compareBdf(a.bdf, b.bdf)).map(topologyFunction));
}

function topologyFunction({ bdf, description, physical, secondary }: SimulatedFunction): TopologyFunction {
  const portType: PortType = description.kind;
  const { driver } = description;
  return {
    bdf,
    portType,
    bridge: secondary !== undefined,
    ...(secondary !== undefined && { secondary, subordinate: 0xff }),
    ...(physical && { physicalFunction: physical }),
    ...(driver !== undefined && { driver }),
  };
}

/** Everything below a bridge's secondary bus, virtual functions included. */
export const functionsBelow = ({ hostBridge, secondary }: SimulatedFunction): SimulatedFunction[] =>
  functionsOnBus(hostBridge, secondary);

/** Everything on a bus and below it. */
export function functionsOnBus(bridge: SimulatedHostBridge, bus: number | undefined): SimulatedFunction[] {
  const found: SimulatedFunction[] = [];
  if (bus !== undefined) collectOnBus(bridge.functions, bus, found);
  return found;
}

function collectOnBus(all: readonly SimulatedFunction[], bus: number, found: SimulatedFunction[]): void {
  for (const fn of all) {
    if (fn.physical || fn.bus !== bus) continue;
    found.push(fn);
    for (const one of all) if (one.physical === fn.bdf) found.push(one);
    if (fn.secondary !== undefined) collectOnBus(all, fn.secondary, found);
  }
}

/** Addresses, for the witness: of what is there. */
export const namesOf = (functions: readonly SimulatedFunction[]): Bdf[] =>
  functions.filter((fn) => fn.there).map(({ bdf }) => bdf);

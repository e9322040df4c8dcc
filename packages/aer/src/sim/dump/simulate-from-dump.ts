import { compareBdf, PciRecoveryError, type Bdf } from '@pci-recovery/core';
import { decodeFunction } from '@pci-recovery/pci';
import { type DumpedDevice, type LspciDump } from '@pci-recovery/pci/lspci';
import { placeFunctions, type PlacedFunction, type TopologyFunction } from '@pci-recovery/pci/topology';
import { SimulatedHardware } from '../hardware.js';
import { type AnyDescription } from '../machine/description.js';
import { Machine, type MachineOptions } from '../machine/machine.js';
import { refresh } from '../machine/reachability.js';
import { type SimulatedFunction } from '../machine/simulated-function.js';
import { showLink } from '../resets/link.js';
import { dumpedBehaviour } from './dumped-behaviour.js';
import { dumpedFunction } from './dumped-function.js';

/** A machine is what it was when it was dumped: nothing is configured, whatever `configured` says. */
export interface DumpOptions extends Omit<MachineOptions, 'configured'> {
  /** Names of the bound drivers: lspci -xxxx alone does not tell. */
  readonly drivers?: Readonly<Record<Bdf, string>>;
}

const badDump = (message: string, context: Readonly<Record<string, string>> = {}): PciRecoveryError =>
  new PciRecoveryError('ERR_PCI_SIM_BAD_DUMP', message, { context });

function make(
  { device, decoded, topology }: PlacedFunction<DumpedDevice>,
  driver: string | undefined,
): SimulatedFunction {
  const placed: TopologyFunction = driver === undefined ? topology : { ...topology, driver };
  return dumpedFunction(device.bytes, placed, dumpedBehaviour(decoded, topology.physicalFunction !== undefined));
}

/** The bridge whose secondary bus a function is on; the nearest when several claim it. */
function parentOf(fn: SimulatedFunction, all: readonly SimulatedFunction[]): SimulatedFunction | undefined {
  const { topology, bus, domain } = fn;
  if (topology.physicalFunction !== undefined) {
    const physical = all.find((one) => one.bdf === topology.physicalFunction);
    return physical ? parentOf(physical, all) : undefined;
  }
  return all.findLast(
    (one) => one.domain === domain && one.topology.bridge && one.bus < bus && one.topology.secondary === bus,
  );
}

function connect(fn: SimulatedFunction, all: readonly SimulatedFunction[], machine: Machine): void {
  const { physicalFunction, eventCollector } = fn.topology;
  fn.parent = parentOf(fn, all);
  if (eventCollector !== undefined) fn.collector = machine.functions.get(eventCollector);
  if (physicalFunction !== undefined) {
    fn.physical = machine.functions.get(physicalFunction);
    fn.physical?.virtuals.push(fn);
  } else {
    fn.parent?.children.push(fn);
    if (fn.parent?.link) {
      fn.parent.link.up = true;
      showLink(fn.parent);
    }
  }
}

/**
 * Builds a machine from a parsed dump (`parseLspciDump`): registers start as they were dumped, the tree follows from
 * bridges' bus numbers, what software may write follows from the capabilities. A function whose bridge was not dumped is
 * on a root bus; one that read all ones does not answer.
 * @throws PciRecoveryError `ERR_PCI_SIM_BAD_DUMP` when there is no function, or an address twice.
 */
export function simulateFromDump(dump: LspciDump, options: DumpOptions): SimulatedHardware {
  if (dump.devices.length === 0) throw badDump('The dump has no function: was it made with lspci -xxxx?');
  const machine = new Machine({ ...options, configured: false });
  const devices = [...dump.devices].sort((a, b) => compareBdf(a.bdf, b.bdf));
  const all = placeFunctions(devices).map((placed) => make(placed, options.drivers?.[placed.device.bdf]));
  for (const fn of all) {
    if (machine.functions.has(fn.bdf)) throw badDump(`The dump has ${fn.bdf} twice.`, { bdf: fn.bdf });
    machine.add(fn);
  }
  for (const fn of all) connect(fn, all, machine);
  for (const fn of all) refresh(fn);
  return new SimulatedHardware(machine, options.nativeAer ?? true);
}

/** Where a dumped function shall be, and what is bound to it. */
export interface DumpedFunctionOptions {
  /** Default: its own address. */
  readonly bdf?: string;
  readonly driver?: string;
  readonly readyAfterMs?: number;
}

/**
 * Describes one function of a dump, to be put into a described machine: its registers are those of the dump, with the
 * bus numbers that the machine needs. What is below a bridge can be added to the description.
 * @throws PciRecoveryError `ERR_PCI_SIM_BAD_DUMP` for functions that no description has (PCI to PCIe bridges, CardBus and
 *   conventional bridges).
 */
export function functionFromDump(device: DumpedDevice, options: DumpedFunctionOptions = {}): AnyDescription {
  const { pcie, header } = decodeFunction(device.bytes);
  const portType = pcie?.portType;
  const bridge = header !== undefined && header.layout !== 'normal';
  if (portType === 'pci_to_pcie_bridge' || (bridge && portType === undefined)) {
    throw badDump(`${device.bdf} is a bridge that cannot be described.`, { bdf: device.bdf });
  }
  return {
    kind: portType ?? 'conventional',
    bdf: options.bdf ?? device.bdf,
    registers: device.bytes,
    ...(options.driver === undefined ? {} : { driver: options.driver }),
    ...(options.readyAfterMs === undefined ? {} : { readyAfterMs: options.readyAfterMs }),
  };
}

import { bdfParts, compareBdf, type Bdf } from '@pci-recovery/core';
import { PCI_HEADER } from '@pci-recovery/pci';
import { type PciTopology, type TopologyFunction } from '@pci-recovery/pci/topology';
import { PE_STATE, type EehDevice, type Pe } from '../pe/pe.js';
import { forgetIsolation, type PeTree } from '../pe/tree.js';
import { probeRegisters } from './probe.js';
import { type Surroundings } from './surroundings.js';

/** Base and sub class of a bridge to ISA, which EEH leaves alone. */
const ISA_BRIDGE = 0x0601;

/** Keeps the tree of PEs in step with the functions that software knows. */
export class Membership {
  readonly #around: Pick<Surroundings, 'port' | 'tree' | 'ops'>;
  #seen: PciTopology | undefined;

  constructor(around: Pick<Surroundings, 'port' | 'tree' | 'ops'>) {
    this.#around = around;
  }

  /** Cheap while nothing has changed: a port gives a new topology after every change. */
  sync(): void {
    const { port, tree } = this.#around;
    const { topology } = port;
    if (topology === this.#seen) return;
    this.#seen = topology;
    for (const device of [...tree.devices()]) {
      const gone = !topology.get(device.bdf) || port.generationOf(device.bdf) !== device.generation;
      if (device.present && gone) left(tree, device);
    }
    const probed = [...inProbingOrder(topology, port.hostBridges)];
    const unprobed = (port.unprobed ?? []).filter((bdf) => !tree.device(bdf));
    if (unprobed.length === 0) for (const fn of probed) this.#probe(fn);
    else for (const one of inTreeOrder(probed, unprobed)) this.#insertOrProbe(one);
  }

  #insertOrProbe(one: TopologyFunction | Bdf): void {
    if (typeof one === 'string') this.#insert(one, undefined);
    else this.#probe(one);
  }

  #probe(fn: TopologyFunction): void {
    const { port, tree } = this.#around;
    const known = tree.device(fn.bdf);
    if (known?.present) return;
    if (known) {
      known.generation = port.generationOf(fn.bdf);
      known.present = true;
      known.disconnected = false;
      if (!known.removed) known.channel = 'normal';
      if (!known.pe) return this.#place(known, fn);
      // It has kept its place, and its registers with it, unless it is something else now.
      const other = known.bridge !== fn.bridge || known.saved.length === 0;
      describe(known, fn);
      if (other) probeRegisters(this.#around, known);
    } else this.#insert(fn.bdf, fn);
  }

  #insert(bdf: Bdf, fn: TopologyFunction | undefined): void {
    const { port } = this.#around;
    const device: EehDevice = {
      bdf,
      generation: port.generationOf(bdf),
      pe: undefined,
      present: fn !== undefined,
      disconnected: false,
      opened: 0,
      removed: false,
      bridge: false,
      physical: undefined,
      channel: 'normal',
      interruptOff: false,
      hasLink: false,
      saved: [],
      offsets: { pcie: 0, pcix: 0, aer: 0, af: 0 },
    };
    this.#place(device, fn);
  }

  /** Finds or makes its PE and saves its registers (pnv_eeh_probe, pseries_eeh_init_edev). */
  #place(device: EehDevice, fn: TopologyFunction | undefined): void {
    const { port, tree, ops } = this.#around;
    const number = ops.peNumber(device.bdf);
    if (number === undefined || !tree.phb(bdfParts(device.bdf).domain)) return;
    if (port.readConfig(device.bdf, PCI_HEADER.SUB_CLASS, 2) === ISA_BRIDGE) return;
    describe(device, fn);
    const pe = tree.insert(device, number, this.#parentOf(device, fn));
    probeRegisters(this.#around, device);
    if ((pe.state & PE_STATE.PRI_BUS) !== 0) return;
    pe.bus = bdfParts(device.bdf).bus;
    pe.state |= PE_STATE.PRI_BUS;
  }

  /** The PE of the physical function, else of the bridge above (pnv_eeh_get_upstream_pe, pseries_eeh_pe_get_parent). */
  #parentOf(device: EehDevice, fn: TopologyFunction | undefined): Pe | undefined {
    const { port, tree } = this.#around;
    if (fn?.physicalFunction) return tree.device(fn.physicalFunction)?.pe;
    for (let up = port.topology.upstreamBridge(device.bdf); up; up = port.topology.upstreamBridge(up.bdf)) {
      const pe = tree.device(up.bdf)?.pe;
      if (pe) return pe;
    }
    return undefined;
  }
}

/** What a function is: at an address where another card was, it can be something else than that. */
function describe(device: EehDevice, fn: TopologyFunction | undefined): void {
  device.bridge = fn?.bridge ?? false;
  device.physical = fn?.physicalFunction;
  device.hasLink = fn?.portType === 'root_port' || fn?.portType === 'downstream_port';
}

/** A function has left; during a reset it stays in its PE, for its registers (eeh_remove_device). */
function left(tree: PeTree, device: EehDevice): void {
  device.present = false;
  device.interruptOff = false;
  if (!device.pe) return;
  disown(device, device.pe);
  if ((device.pe.state & PE_STATE.KEEP) !== 0) device.disconnected = true;
  else tree.remove(device);
}

/** What has left its owner can no longer let go. */
function disown(device: EehDevice, pe: Pe): void {
  if (device.opened === 0) return;
  pe.passed -= device.opened;
  device.opened = 0;
  if (pe.passed === 0) forgetIsolation(pe);
}

/** All functions of a bus before what is below its bridges (pci_bus_add_devices); virtual ones after the physical ones. */
function* inProbingOrder(
  topology: PciTopology,
  hostBridges: readonly { readonly phb: number; readonly rootBus: number }[],
): Generator<TopologyFunction> {
  for (const { phb, rootBus } of hostBridges) {
    const functions = [...busFirst(topology, phb, rootBus)];
    yield* functions.filter((fn) => !fn.physicalFunction);
    yield* [...topology.functions()].filter((fn) => fn.physicalFunction && bdfParts(fn.bdf).domain === phb);
  }
}

/** In the order of the device tree, which pSeries goes through before anything is probed. */
const inTreeOrder = (probed: readonly TopologyFunction[], unprobed: readonly Bdf[]): (TopologyFunction | Bdf)[] => {
  const bdfOf = (one: TopologyFunction | Bdf): Bdf => (typeof one === 'string' ? one : one.bdf);
  return [...probed, ...unprobed].sort((a, b) => compareBdf(bdfOf(a), bdfOf(b)));
};

function* busFirst(topology: PciTopology, phb: number, bus: number): Generator<TopologyFunction> {
  const functions = topology.onBus(phb, bus);
  yield* functions;
  for (const { bridge, secondary } of functions)
    if (bridge && secondary !== undefined && secondary > bus) yield* busFirst(topology, phb, secondary);
}

import { bdfParts, compareBdf, type Bdf } from '@pci-recovery/core';
import { type TopologyFunction } from './function.js';

/** A bus of a domain as one number. */
const busKey = (domain: number, bus: number): number => domain * 256 + bus;

interface Bus {
  readonly functions: TopologyFunction[];
  bridge?: TopologyFunction;
}

/**
 * The tree of buses, built once from what enumeration found; look-ups cost what they answer. Walks are in the order of
 * Linux `pci_walk_bus` (drivers/pci/bus.c): depth first, functions of a bus in the order of their address.
 */
export class PciTopology {
  readonly #functions = new Map<Bdf, TopologyFunction>();
  readonly #buses = new Map<number, Bus>();

  constructor(functions: Iterable<TopologyFunction>) {
    for (const fn of functions) this.#add(fn);
    for (const bus of this.#buses.values())
      if (bus.functions.length > 1) bus.functions.sort((a, b) => compareBdf(a.bdf, b.bdf));
  }

  /** How many functions there are. */
  get size(): number {
    return this.#functions.size;
  }

  /** All functions, in the order in which they were given. */
  functions(): IterableIterator<TopologyFunction> {
    return this.#functions.values();
  }

  get(bdf: Bdf): TopologyFunction | undefined {
    return this.#functions.get(bdf);
  }

  /** The bridge whose secondary bus `bdf` is on; undefined on a root bus. A VF's bus belongs to its PF's bridge. */
  upstreamBridge(bdf: Bdf): TopologyFunction | undefined {
    const { domain, bus } = bdfParts(bdf);
    const own = this.#buses.get(busKey(domain, bus))?.bridge;
    if (own) return own;
    const physical = this.#functions.get(bdf)?.physicalFunction;
    // A physical function is nobody's virtual one: whatever claims otherwise is not followed further.
    if (physical === undefined || this.#functions.get(physical)?.physicalFunction !== undefined) return undefined;
    return this.upstreamBridge(physical);
  }

  /** The root port above `bdf` (or `bdf` itself); undefined for functions that are integrated in the root complex. */
  rootPort(bdf: Bdf): TopologyFunction | undefined {
    for (let at = this.#functions.get(bdf); at; at = this.upstreamBridge(at.bdf))
      if (at.portType === 'root_port') return at;
    return undefined;
  }

  /** Everything below a bridge, not the bridge itself, in walk order. Empty for what is no bridge. */
  *below(bridge: Bdf): IterableIterator<TopologyFunction> {
    const { secondary } = this.#functions.get(bridge) ?? {};
    if (secondary === undefined) return;
    const bus = this.#buses.get(busKey(bdfParts(bridge).domain, secondary));
    if (bus?.bridge?.bdf !== bridge) return;
    for (const fn of bus.functions) {
      yield fn;
      if (fn.bridge) yield* this.below(fn.bdf);
    }
  }

  /** The functions directly on a bus, in order. */
  onBus(domain: number, bus: number): readonly TopologyFunction[] {
    return this.#buses.get(busKey(domain, bus))?.functions ?? [];
  }

  #add(fn: TopologyFunction): void {
    this.#functions.set(fn.bdf, fn);
    const { domain, bus } = bdfParts(fn.bdf);
    this.#bus(busKey(domain, bus)).functions.push(fn);
    // A bridge whose secondary bus is not below its own would make the tree endless: it is kept as a leaf.
    if (fn.bridge && fn.secondary !== undefined && fn.secondary > bus)
      this.#bus(busKey(domain, fn.secondary)).bridge = fn;
  }

  #bus(key: number): Bus {
    let bus = this.#buses.get(key);
    if (!bus) this.#buses.set(key, (bus = { functions: [] }));
    return bus;
  }
}

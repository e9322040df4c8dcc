import { parseBdf, PciRecoveryError, type Bdf, type Clock } from '@pci-recovery/core';
import { PciTopology } from '@pci-recovery/pci/topology';
import { BusLog } from '../bus-log.js';
import { FaultBook } from '../faults.js';
import { InterruptLine } from '../interrupt-line.js';
import { BLOCK } from './blocks.js';
import { buildTree, everyFunction } from './build-function.js';
import { type MachineDescription } from './description.js';
import { planMachine } from './plan-machine.js';
import { refresh } from './reachability.js';
import { type SimulatedFunction } from './simulated-function.js';

/** What a machine is besides its functions. */
export type MachineOptions = Omit<MachineDescription, 'rootPorts' | 'eventCollectors' | 'integrated'>;

/** The state of a simulated machine. What happens in it is told by functions that take it. */
export class Machine {
  readonly clock: Clock;
  readonly log: BusLog;
  readonly faults = new FaultBook();
  readonly interrupts = new InterruptLine();
  readonly configured: boolean;
  /** Every function that ever was, the latest at its address. */
  readonly functions = new Map<Bdf, SimulatedFunction>();
  /** Called when a function is ready after a reset. */
  whenReady: ((fn: SimulatedFunction) => void) | undefined;
  /** What software has noticed. */
  readonly #noticed = new Map<Bdf, SimulatedFunction>();
  #topology: PciTopology | undefined;

  constructor(options: MachineOptions) {
    this.clock = options.clock;
    this.configured = options.configured !== false;
    this.log = new BusLog(options.clock, options.log);
  }

  get topology(): PciTopology {
    return (this.#topology ??= new PciTopology([...this.#noticed.values()].map((fn) => fn.topology)));
  }

  /** Adds a function and all below it. */
  add(root: SimulatedFunction): void {
    for (const fn of everyFunction(root)) {
      fn.generation = (this.functions.get(fn.bdf)?.generation ?? -1) + 1;
      this.functions.set(fn.bdf, fn);
      this.#noticed.set(fn.bdf, fn);
      if (this.faults.watches(fn.bdf)) fn.blocks |= BLOCK.WATCHED;
    }
    this.#topology = undefined;
    refresh(root);
  }

  /** Software has noticed that a function is gone. */
  forget(fn: SimulatedFunction): void {
    if (this.#noticed.get(fn.bdf) === fn) this.#noticed.delete(fn.bdf);
    this.#topology = undefined;
  }

  /**
   * The function at an address.
   * @throws PciRecoveryError `ERR_PCI_BAD_BDF`; `ERR_PCI_SIM_NO_FUNCTION` when none was ever there.
   */
  at(text: string): SimulatedFunction {
    const bdf = parseBdf(text);
    const fn = this.functions.get(bdf);
    if (fn) return fn;
    throw new PciRecoveryError('ERR_PCI_SIM_NO_FUNCTION', `The simulated machine has no function at ${bdf}.`, {
      context: { bdf },
    });
  }
}

/**
 * Builds a machine.
 * @throws PciRecoveryError `ERR_PCI_SIM_BAD_MACHINE`, `ERR_PCI_BAD_BDF`.
 */
export function buildMachine(description: MachineDescription): Machine {
  const machine = new Machine(description);
  for (const plan of planMachine(description)) {
    const root = buildTree(plan, machine.configured);
    machine.add(root);
    for (const collected of plan.collects) {
      const integrated = buildTree(collected, machine.configured);
      integrated.collector = root;
      machine.add(integrated);
    }
  }
  return machine;
}

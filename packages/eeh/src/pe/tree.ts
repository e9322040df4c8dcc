import { bdfParts, type Bdf } from '@pci-recovery/core';
import { peName } from '../record.js';
import { PE_STATE, type EehDevice, type Pe } from './pe.js';

const newPe = (phb: number, number: number | null, parent?: Pe): Pe => ({
  type: number === null ? 'phb' : 'device',
  invalid: false,
  name: peName(phb, number),
  phb,
  number,
  parent,
  children: [],
  functions: [],
  state: 0,
  bus: undefined,
  passed: 0,
  resetAsserted: false,
  checkCount: 0,
  freezeCount: 0,
  frozenAt: 0,
  falsePositives: 0,
  diag: undefined,
});

/**
 * The PEs of a machine: host bridges, below them buses and functions, below those virtual functions. Walks visit a PE
 * before the PEs below it.
 *
 * Source: Linux 7.3 arch/powerpc/kernel/eeh_pe.c.
 */
export class PeTree {
  readonly roots: readonly Pe[];
  readonly #devices = new Map<Bdf, EehDevice>();
  readonly #named = new Map<string, Pe>();
  readonly #phbs: ReadonlyMap<number, Pe>;

  constructor(hostBridges: readonly { readonly phb: number; readonly rootBus: number }[]) {
    this.roots = hostBridges.map(({ phb, rootBus }) => ({ ...newPe(phb, null), bus: rootBus }));
    this.#phbs = new Map(this.roots.map((root) => [root.phb, root]));
    for (const root of this.roots) this.#named.set(root.name, root);
  }

  phb(phb: number): Pe | undefined {
    return this.#phbs.get(phb);
  }

  /** The PE of a name; undefined where it is not there, or no longer. */
  find(name: string): Pe | undefined {
    return this.#named.get(name);
  }

  /** A function that was probed, whether its device is still there or not. */
  device(bdf: Bdf): EehDevice | undefined {
    return this.#devices.get(bdf);
  }

  devices(): IterableIterator<EehDevice> {
    return this.#devices.values();
  }

  /** All PEs, host bridge by host bridge. */
  *all(): Generator<Pe> {
    for (const root of this.roots) yield* walkPes(root);
  }

  /**
   * Takes a function into the PE of that number, which is made below `parent` (default: below the host bridge) where there
   * is none. A second function makes it a bus PE (eeh_pe_tree_insert).
   */
  insert(device: EehDevice, number: number, parent?: Pe): Pe {
    const root = this.phb(bdfParts(device.bdf).domain)!;
    const known = walkPes(root).find((pe) => pe.number === number);
    const pe = known ?? this.#grow(root, device, number, parent);
    if (known?.invalid) for (let up: Pe | undefined = pe; up?.invalid; up = up.parent) up.invalid = false;
    else if (known) pe.type = 'bus';
    pe.functions.push(device);
    device.pe = pe;
    this.#devices.set(device.bdf, device);
    return pe;
  }

  /**
   * Takes a function out of its PE. Empty PEs go too; while one is being recovered they stay, marked invalid, until
   * {@link cleanup} (eeh_pe_tree_remove).
   */
  remove(device: EehDevice): void {
    const { pe } = device;
    if (!pe) return;
    device.pe = undefined;
    pe.functions.splice(pe.functions.indexOf(device), 1);
    for (let at: Pe | undefined = pe; at && at.type !== 'phb'; at = at.parent) {
      if (at.functions.length > 0) break;
      if ((at.state & (PE_STATE.KEEP | PE_STATE.RECOVERING)) === 0) {
        if (at.children.length > 0) break;
        this.#drop(at);
      } else {
        if (at.children.some((child) => !child.invalid)) break;
        at.invalid = true;
      }
    }
  }

  /** Drops PEs that became empty during a recovery, leaves first (eeh_pe_cleanup). */
  cleanup(pe: Pe): void {
    for (const child of [...pe.children]) this.cleanup(child);
    if ((pe.state & PE_STATE.KEEP) !== 0 || !pe.invalid) return;
    if (pe.functions.length === 0 && pe.children.length === 0) this.#drop(pe);
  }

  #grow(root: Pe, device: EehDevice, number: number, parent: Pe = root): Pe {
    const pe = newPe(root.phb, number, parent);
    if (device.physical) pe.type = 'vf';
    parent.children.push(pe);
    this.#named.set(pe.name, pe);
    return pe;
  }

  #drop(pe: Pe): void {
    const siblings = pe.parent!.children;
    siblings.splice(siblings.indexOf(pe), 1);
    this.#named.delete(pe.name);
  }
}

/** A PE and all below it, each before what is below it (eeh_for_each_pe): as they are now, whatever is done to them on the way. */
export const walkPes = (root: Pe): Pe[] =>
  root.children.length === 0 ? [root] : [root, ...root.children.flatMap(walkPes)];

/** The functions of a PE and of all below it, in walk order. */
export const walkDevices = (root: Pe): EehDevice[] =>
  root.children.length === 0 ? root.functions.slice() : walkPes(root).flatMap((pe) => pe.functions);

/** Sets state bits of a PE and all below it; what is lost for good keeps its state (eeh_pe_state_mark). */
export function mark(root: Pe, bits: number): void {
  for (const pe of walkPes(root)) if ((pe.state & PE_STATE.REMOVED) === 0) pe.state |= bits;
}

/** Isolated: channels are frozen, and configuration space is blocked where it must be (eeh_pe_mark_isolated). */
export function markIsolated(root: Pe): void {
  mark(root, PE_STATE.ISOLATED);
  for (const pe of walkPes(root)) {
    for (const device of pe.functions) if (device.present) device.channel = 'frozen';
    if ((pe.state & PE_STATE.CFG_RESTRICTED) !== 0) pe.state |= PE_STATE.CFG_BLOCKED;
  }
}

/**
 * Clears state bits of a PE and all below it. A PE that is no longer isolated forgets its ignored reads, and its channels are
 * normal again (eeh_pe_state_clear).
 */
export function clear(root: Pe, bits: number, includePassed: boolean): void {
  for (const pe of walkPes(root)) if (includePassed || pe.passed === 0) clearOne(pe, bits);
}

function clearOne(pe: Pe, bits: number): void {
  if ((pe.state & PE_STATE.REMOVED) !== 0) return;
  pe.state &= ~bits;
  if ((bits & PE_STATE.ISOLATED) === 0) return;
  pe.checkCount = 0;
  for (const device of pe.functions) if (device.present) device.channel = 'normal';
  if ((pe.state & PE_STATE.CFG_RESTRICTED) !== 0) pe.state &= ~PE_STATE.CFG_BLOCKED;
}

/**
 * A PE that no recovery is under way for is found again when it is frozen: an owner's question isolated it, and nobody would
 * lift that any more.
 */
export function forgetIsolation(pe: Pe): void {
  if ((pe.state & PE_STATE.RECOVERING) === 0) clearOne(pe, PE_STATE.ISOLATED);
}

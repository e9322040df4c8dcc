import { type Operation, type OperationResult, type PerformContext } from '@pci-recovery/core';
import { byAddress } from '../by-address.js';
import { EEH_STATE } from '../firmware/states.js';
import { countFreeze, isActionable, PE_STATE, type EehDevice, type Pe } from '../pe/pe.js';
import { clear, mark, walkDevices } from '../pe/tree.js';
import { confirmed, resetFull, thawHosts, unfreezeAll, waitState } from './control.js';
import { removeBus, replug, unplug } from './hotplug.js';
import { takeLog } from './log.js';
import { restoreRegisters } from './restore.js';
import { type EehScope } from '../scope.js';
import { type EehLog, type Surroundings } from './surroundings.js';
import { pause, type Waiting } from './waiting.js';

/** What operations need besides the machine. */
export interface PerformSurroundings extends Surroundings {
  /** So often may a PE freeze within its window. */
  readonly mostFreezes: number;
  /** Lets the tree of PEs see what was plugged or unplugged. */
  readonly sync: () => void;
  readonly logged: (log: EehLog) => void;
  /** The scope of a PE as it is now. */
  readonly rescope: (pe: Pe) => EehScope;
}

type Performed = OperationResult | Waiting<OperationResult>;
type Performer = (around: PerformSurroundings, pe: Pe, operation: Operation, context: PerformContext) => Performed;

const DONE: OperationResult = { ok: true };
const NS_PER_S = 1e9;

/** Virtual functions that were taken out of a PE and are to be brought back. */
const unplugged = new WeakMap<Pe, readonly EehDevice[]>();

const outcome = (rc: number, what: string): OperationResult =>
  rc === 0 ? DONE : { ok: false, why: 'failed', detail: `${what}: error ${rc}.` };

const performers: Readonly<Record<string, Performer>> = {
  check_presence: ({ port, tree }, pe) => {
    if (!busIsKnown(tree.phb(pe.phb), pe)) return { ok: true, value: { bus: false, devices: 0 } };
    const present = walkDevices(pe).filter((device) => isPresent(port, device));
    return { ok: true, value: { bus: true, devices: present.length } };
  },
  count_freeze: ({ clock, mostFreezes }, pe) => ({
    ok: true,
    value: { count: countFreeze(pe, Math.floor(clock.monotonic() / NS_PER_S)), most: mostFreezes },
  }),
  set_channels: (around, pe, { channel }, context) => {
    const state = channel === 'frozen' ? 'frozen' : 'normal';
    for (const device of walkDevices(pe)) if (isActionable(device)) device.channel = state;
    setInterrupts(around, pe, context, state === 'normal');
    return DONE;
  },
  mask_interrupts: (around, pe, _, context) => {
    setInterrupts(around, pe, context, false);
    return DONE;
  },
  *wait_state(around, pe, _, context) {
    const found = waitState(around, pe, around.timings.state, context);
    const state = typeof found === 'number' ? found : yield* found;
    if (state < 0) return outcome(state, `The state of ${pe.name} cannot be asked`);
    if (state !== EEH_STATE.NOT_SUPPORTED) return { ok: true, value: state };
    return { ok: false, why: 'unsupported', detail: `${pe.name} is not available.` };
  },
  *collect_log(around, pe, { severity }) {
    const log = yield* takeLog(around, pe, severity === 'permanent' ? 'permanent' : 'temporary');
    around.logged(log);
    return { ok: true, value: { severity: log.severity, bytes: log.blob?.length ?? 0 } };
  },
  *thaw_mmio(around, pe) {
    return outcome(yield* thawHosts(around, pe, 'mmio'), `MMIO of ${pe.name} cannot be thawed`);
  },
  *thaw_dma(around, pe) {
    const rc = yield* thawHosts(around, pe, 'dma');
    if (rc === 0) clear(pe, PE_STATE.ISOLATED, true);
    return outcome(rc, `DMA of ${pe.name} cannot be thawed`);
  },
  unplug: (around, pe, { which }, { scope }) => {
    const { value, virtual } = unplug(around, pe, which === 'everybody' ? 'everybody' : 'insensitive', scope);
    unplugged.set(pe, virtual);
    around.sync();
    return { ok: true, value: { devices: value.devices, virtual: value.virtual }, scope: around.rescope(pe) };
  },
  *reset(around, pe) {
    return outcome(yield* resetFull(around, pe, false), `${pe.name} cannot be reset`);
  },
  *restore(around, pe) {
    if (around.ops.configureBridges) yield* around.ops.configureBridges(pe);
    yield* restoreRegisters(around, pe);
    return DONE;
  },
  *unfreeze(around, pe) {
    const rc = (yield* unfreezeAll(around, pe, false)) || (yield* confirmed(around, pe, 'dma'));
    const nobodyLeft = walkDevices(pe).every(({ disconnected }) => !disconnected);
    if (rc === 0 && nobodyLeft) clear(pe, PE_STATE.KEEP, true);
    return outcome(rc, `${pe.name} cannot be thawed after its reset`);
  },
  *settle({ clock, timings }, _, __, { signal }) {
    yield pause(clock, timings.hotplug, signal);
    return DONE;
  },
  replug: (around, pe, { complete }) => {
    replug(around, pe, complete === true, around.sync);
    return { ok: true, scope: around.rescope(pe) };
  },
  replug_virtual: (around, pe) => {
    // That of a PE of its own is back since its reset (eeh_add_virt_device).
    for (const { bdf } of unplugged.get(pe) ?? []) if (!around.port.topology.get(bdf)) around.port.addVirtual(bdf);
    unplugged.delete(pe);
    around.sync();
    return { ok: true, scope: around.rescope(pe) };
  },
  finish: ({ port, tree }, pe) => {
    tree.cleanup(pe);
    for (const device of walkDevices(pe)) if (isInSlot(port, device)) port.setAttention?.(device.bdf, false);
    clear(pe, PE_STATE.RECOVERING, true);
    return DONE;
  },
  remove: (around, pe) => {
    for (const device of walkDevices(pe)) if (isActionable(device)) device.channel = 'perm_failure';
    mark(pe, PE_STATE.REMOVED);
    for (const device of walkDevices(pe)) device.removed = true;
    // A virtual function's PE is only marked: the kernel no longer acts on functions whose channel is perm_failure.
    if (pe.type !== 'vf') removeBus(around, pe);
    around.sync();
    return { ok: true, scope: around.rescope(pe) };
  },
};

/** What each operation of the host procedure does, by name. */
export const PERFORMERS: ReadonlyMap<string, Performer> = new Map(Object.entries(performers));

const isInSlot = (port: Surroundings['port'], { bdf, present, channel }: EehDevice): boolean =>
  present && channel !== 'perm_failure' && port.slotOccupied?.(bdf) !== undefined;

/**
 * In a slot with hotplug, whether a card is there: its attention indicator is lit for the look. Elsewhere a device is taken to
 * be (eeh_slot_presence_check).
 */
function isPresent(port: Surroundings['port'], device: EehDevice): boolean {
  if (!isInSlot(port, device)) return device.present && device.channel !== 'perm_failure';
  port.setAttention?.(device.bdf, true);
  return port.slotOccupied?.(device.bdf) ?? true;
}

const busIsKnown = (root: Pe | undefined, pe: Pe): boolean =>
  pe === root || pe.bus !== undefined || pe.functions[0]?.present === true;

/**
 * Only of functions that the host may act on and that have a driver; on only where they were switched off. Unlike in the
 * kernel, twice off is once off (eeh_set_irq_state).
 */
function setInterrupts({ port }: PerformSurroundings, pe: Pe, { scope }: PerformContext, enabled: boolean): void {
  const memberAt = byAddress(scope.members);
  const isDriven = ({ bdf }: EehDevice): boolean => memberAt(bdf)?.driver === true;
  for (const device of walkDevices(pe)) {
    if (!isActionable(device) || device.interruptOff === !enabled || !isDriven(device)) continue;
    device.interruptOff = !enabled;
    port.setInterrupt?.(device.bdf, enabled);
  }
}

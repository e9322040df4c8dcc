import { type Member, type RecoveryScope } from '@pci-recovery/core';
import { byAddress } from '../by-address.js';
import { type Unplugged } from '../procedure/operations.js';
import { isActionable, PE_STATE, type EehDevice, type Pe } from '../pe/pe.js';
import { clear, mark, walkDevices, walkPes } from '../pe/tree.js';
import { type Surroundings } from './surroundings.js';

/** A driver that can take part in a recovery has both (eeh_driver.c:eeh_rmv_device). */
const isSensitive = ({ driver, handles }: Member): boolean =>
  driver && handles.has('errorDetected') && handles.has('slotReset');

const anyPassed = (pe: Pe): boolean => walkPes(pe).some((one) => one.passed > 0);

/**
 * Takes functions out before a reset: all on the PE's bus, or, one by one and without bridges, those that are the host's. One
 * by one goes whenever drivers can take part, something is passed through, or the PE is a virtual function's.
 *
 * Source: Linux 7.3 arch/powerpc/kernel/eeh_driver.c:eeh_reset_device, eeh_rmv_device.
 */
export function unplug(
  { port, tree }: Surroundings,
  pe: Pe,
  which: 'everybody' | 'insensitive',
  scope: RecoveryScope,
): { readonly value: Unplugged; readonly virtual: readonly EehDevice[] } {
  mark(pe, PE_STATE.KEEP);
  if (which === 'everybody' && !anyPassed(pe) && pe.type !== 'vf') {
    const there = walkDevices(pe).filter(({ present }) => present);
    removeBus({ port, tree }, pe);
    return { value: { devices: there.length, virtual: 0 }, virtual: [] };
  }
  const memberAt = byAddress(scope.members);
  const leaves = (device: EehDevice): boolean => {
    if (!isActionable(device) || device.bridge) return false;
    const member = memberAt(device.bdf);
    return which === 'everybody' || member?.generation !== device.generation || !isSensitive(member);
  };
  const taken: EehDevice[] = [];
  for (const device of walkDevices(pe)) {
    // A physical function takes its virtual ones along: they are its driver's to bring back.
    if (!leaves(device) || !port.topology.get(device.bdf)) continue;
    port.remove(device.bdf);
    taken.push(device);
  }
  // Where everybody leaves, the kernel brings virtual functions back only as a PE of their own.
  const virtual = which === 'insensitive' ? taken.filter(({ physical }) => physical).reverse() : [];
  return { value: { devices: taken.length, virtual: virtual.length }, virtual };
}

/** Takes everything out that is on a PE's bus, and below it. */
export function removeBus({ port, tree }: Pick<Surroundings, 'port' | 'tree'>, pe: Pe): void {
  const bus = pe.bus ?? tree.phb(pe.phb)?.bus;
  if (bus !== undefined) removeOnBus(port, pe.phb, bus);
}

/**
 * What is below its bridges first, then the bus itself from its end, virtual functions before their physical one.
 *
 * Source: Linux 7.3 arch/powerpc/kernel/pci-hotplug.c:pci_hp_remove_devices.
 */
function removeOnBus(port: Surroundings['port'], phb: number, bus: number): void {
  const onBus = [...port.topology.onBus(phb, bus)];
  for (const { bridge, secondary } of onBus)
    if (bridge && secondary !== undefined && secondary > bus) removeOnBus(port, phb, secondary);
  const physical = new Set(onBus.map(({ bdf }) => bdf));
  const virtual = [...port.topology.functions()].filter(
    (fn) => fn.physicalFunction && physical.has(fn.physicalFunction),
  );
  for (const { bdf } of [...onBus, ...virtual].reverse()) if (port.topology.get(bdf)) port.remove(bdf);
}

/** Brings back what was unplugged. `sync` lets the tree see it. */
export function replug({ port, tree }: Surroundings, pe: Pe, complete: boolean, sync: () => void): void {
  const [first] = pe.functions;
  const bus = pe.bus ?? tree.phb(pe.phb)?.bus;
  for (const device of walkDevices(pe)) {
    if (!device.disconnected) continue;
    device.disconnected = device.interruptOff = false;
    tree.remove(device);
  }
  if (pe.type === 'vf') {
    if (first && !first.present) port.addVirtual(first.bdf);
  } else {
    if (complete) clear(pe, PE_STATE.PRI_BUS, true);
    if (bus !== undefined) port.rescan(pe.phb, bus);
  }
  sync();
  // Where nobody came back, the bus is still the same.
  pe.bus ??= bus;
  clear(pe, PE_STATE.KEEP, true);
}

/** Takes everything below a dead host bridge out (eeh_handle_special_event). Its own state stays: isolated. */
export function removeDead(around: Pick<Surroundings, 'port' | 'tree'>, root: Pe): void {
  for (const device of walkDevices(root)) if (isActionable(device)) device.channel = 'perm_failure';
  removeBus(around, root);
}

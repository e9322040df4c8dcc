import { wait, type Awaitable, type Bdf, type Clock, type OperationResult } from '@pci-recovery/core';
import {
  AER,
  PCI_HEADER,
  PCIE,
  DEVICE_CAPABILITIES,
  DEVICE_CONTROL,
  DEVICE_STATUS,
  LINK_CAPABILITIES,
  LINK_STATUS,
} from '@pci-recovery/pci';
import { type PortType, type TopologyFunction } from '@pci-recovery/pci/topology';
import { type AerHostPort } from '../port.js';
import { type RegisterMap } from './registers.js';
import { type ResetTimings } from './reset-timings.js';

/** Secondary Bus Reset in Bridge Control. */
const BUS_RESET = 1 << 6;
/** Configuration RRS Software Visibility Enable in Root Control. */
const RRS_VISIBLE = 1 << 4;
/** The vendor id that a busy function answers with where that is made visible (PCIe r6.1 §2.3.1). */
const BUSY_VENDOR = 0x0001;
/** Link speed code of 5 GT/s. */
const SPEED_5_GT = 2;
const ROOT_INTERRUPTS = 0x7;

/** Ports that lead to a link (Linux 7.3 drivers/pci/pci.h:pcie_downstream_port). */
const LINK_BELOW: ReadonlySet<PortType> = new Set<PortType>(['root_port', 'downstream_port', 'pci_to_pcie_bridge']);

/** How often pending transactions are looked for before an FLR is done anyway. */
const PENDING_LOOKS = 4;

/** What a reset needs. */
export interface ResetSurroundings {
  readonly port: AerHostPort;
  readonly registers: RegisterMap;
  readonly clock: Clock;
  readonly timings: ResetTimings;
}

const DONE: OperationResult = { ok: true };
const fail = (why: 'failed' | 'unsupported' | 'timeout', detail: string): OperationResult => ({
  ok: false,
  why,
  detail,
});

const pause = (clock: Clock, ms: number): Promise<void> | undefined => (ms > 0 ? wait(clock, ms) : undefined);

/**
 * Resets what is below a port, or an RCiEP or event collector itself, with the root's error interrupts off meanwhile.
 *
 * Source: Linux 7.3 drivers/pci/pcie/aer.c:aer_root_reset.
 */
export async function resetSubordinates(around: ResetSurroundings, bridge: TopologyFunction): Promise<OperationResult> {
  const { port, registers } = around;
  const root = bridge.portType === 'rciep' ? bridge.eventCollector : port.topology.rootPort(bridge.bdf)?.bdf;
  const native = (port.nativeAer ?? true) && root !== undefined && registers.of(root).aer !== 0;
  if (native) setRootInterrupts(registers, root, false);
  try {
    if (bridge.portType === 'rcec' || bridge.portType === 'rciep') return await functionLevelReset(around, bridge.bdf);
    return await secondaryBusReset(around, bridge);
  } finally {
    if (native) {
      registers.writeAer(root, AER.ROOT_STATUS, registers.aer(root, AER.ROOT_STATUS));
      setRootInterrupts(registers, root, true);
    }
  }
}

function setRootInterrupts(registers: RegisterMap, root: Bdf, on: boolean): void {
  const command = registers.aer(root, AER.ROOT_COMMAND);
  registers.writeAer(root, AER.ROOT_COMMAND, on ? command | ROOT_INTERRUPTS : command & ~ROOT_INTERRUPTS);
}

/** Linux 7.3 drivers/pci/pci.c:pci_reset_secondary_bus, then pci_bridge_wait_for_secondary_bus. */
async function secondaryBusReset(around: ResetSurroundings, bridge: TopologyFunction): Promise<OperationResult> {
  const { port, clock, timings } = around;
  if (bridge.secondary === undefined) return fail('unsupported', `${bridge.bdf} has no secondary bus.`);
  const control = port.readConfig(bridge.bdf, PCI_HEADER.BRIDGE_CONTROL, 2);
  port.writeConfig(bridge.bdf, PCI_HEADER.BRIDGE_CONTROL, 2, control | BUS_RESET);
  await pause(clock, timings.assert);
  port.writeConfig(bridge.bdf, PCI_HEADER.BRIDGE_CONTROL, 2, control & ~BUS_RESET);
  return await secondaryBusReady(around, bridge);
}

/** Only the first function on the bus is waited for, as in the kernel. */
function secondaryBusReady(around: ResetSurroundings, bridge: TopologyFunction): Awaitable<OperationResult> {
  const { port, registers, clock, timings } = around;
  const [first] = port.topology.below(bridge.bdf);
  if (!first) return DONE;
  if (bridge.portType === undefined) {
    return pause(clock, timings.conventional + timings.settle)?.then(() => DONE) ?? DONE;
  }
  if (!LINK_BELOW.has(bridge.portType)) return DONE;
  const capabilities = registers.pcie(bridge.bdf, PCIE.LINK_CAPABILITIES, 4);
  const reportsLink = (capabilities & LINK_CAPABILITIES.linkActiveReporting.mask) !== 0;
  const slow = (capabilities & LINK_CAPABILITIES.maxLinkSpeed.mask) <= SPEED_5_GT;
  return slow ? slowLink(around, bridge, first.bdf, reportsLink) : fastLink(around, bridge, first.bdf, reportsLink);
}

async function slowLink(
  around: ResetSurroundings,
  bridge: TopologyFunction,
  first: Bdf,
  reportsLink: boolean,
): Promise<OperationResult> {
  const { clock, timings } = around;
  await pause(clock, timings.settle);
  if (await answers(around, first, timings.answer - timings.settle)) return DONE;
  if (!reportsLink) return fail('timeout', `${first} does not answer after the bus reset.`);
  if (!linkActive(around.registers, bridge.bdf)) return fail('failed', `The link below ${bridge.bdf} did not come up.`);
  if (await answers(around, first, timings.ready - timings.answer)) return DONE;
  return fail('timeout', `${first} does not answer after the bus reset.`);
}

async function fastLink(
  around: ResetSurroundings,
  bridge: TopologyFunction,
  first: Bdf,
  reportsLink: boolean,
): Promise<OperationResult> {
  const { clock, timings } = around;
  if (!(await linkComesUp(around, bridge.bdf, reportsLink))) {
    return fail('failed', `The link below ${bridge.bdf} did not come up.`);
  }
  await pause(clock, timings.settle);
  if (await answers(around, first, timings.ready - timings.settle)) return DONE;
  return fail('timeout', `${first} does not answer after the bus reset.`);
}

/**
 * Without active link reporting there is nothing to look at: the whole time is waited.
 *
 * Source: Linux 7.3 drivers/pci/pci.c:pcie_wait_for_link_delay, pcie_wait_for_link_status.
 */
async function linkComesUp(
  { registers, clock, timings }: ResetSurroundings,
  bridge: Bdf,
  reportsLink: boolean,
): Promise<boolean> {
  await pause(clock, reportsLink ? timings.detect : timings.link);
  if (!reportsLink) return true;
  for (let waited = 0; ;) {
    if (linkActive(registers, bridge)) return true;
    await pause(clock, timings.linkPoll);
    waited += Math.max(1, timings.linkPoll);
    if (waited >= timings.link) return false;
  }
}

const linkActive = (registers: RegisterMap, bridge: Bdf): boolean =>
  (registers.pcie(bridge, PCIE.LINK_STATUS) & LINK_STATUS.dataLinkLayerActive.mask) !== 0;

/**
 * Asks at doubling intervals whether a function answers, for about `patience` milliseconds.
 *
 * Source: Linux 7.3 drivers/pci/pci.c:pci_dev_wait (without its link retrain, a quirk of single ports).
 */
async function answers({ port, registers, clock }: ResetSurroundings, bdf: Bdf, patience: number): Promise<boolean> {
  const root = port.topology.rootPort(bdf);
  const visible = root !== undefined && (registers.pcie(root.bdf, PCIE.ROOT_CONTROL) & RRS_VISIBLE) !== 0;
  for (let delay = 1; ; delay *= 2) {
    const busy = visible
      ? port.readConfig(bdf, PCI_HEADER.VENDOR_ID, 2) === BUSY_VENDOR
      : port.readConfig(bdf, PCI_HEADER.COMMAND, 4) >>> 0 === 0xffff_ffff;
    if (!busy) return true;
    if (delay > patience) return false;
    await wait(clock, delay);
  }
}

/** Linux 7.3 drivers/pci/pci.c:pcie_reset_flr, pcie_flr: refused while configuration space is inaccessible (R2.9). */
async function functionLevelReset(around: ResetSurroundings, bdf: Bdf): Promise<OperationResult> {
  const { registers, clock, timings } = around;
  if (!registers.answers(bdf))
    return fail('unsupported', `${bdf} does not answer: it cannot be asked to reset itself.`);
  const capable = registers.pcie(bdf, PCIE.DEVICE_CAPABILITIES, 4) & DEVICE_CAPABILITIES.functionLevelReset.mask;
  if (capable === 0) return fail('unsupported', `${bdf} has no function level reset.`);
  await transactionsEnd(around, bdf);
  const control = registers.pcie(bdf, PCIE.DEVICE_CONTROL);
  registers.writePcie(bdf, PCIE.DEVICE_CONTROL, control | DEVICE_CONTROL.functionLevelResetOrBridgeRetry.mask);
  await pause(clock, timings.flr);
  return (await answers(around, bdf, timings.ready))
    ? DONE
    : fail('timeout', `${bdf} does not answer after its reset.`);
}

/** Linux 7.3 drivers/pci/pci.c:pci_wait_for_pending. */
async function transactionsEnd({ registers, clock, timings }: ResetSurroundings, bdf: Bdf): Promise<void> {
  for (let looks = 0; looks < PENDING_LOOKS; looks++) {
    if (looks > 0) await pause(clock, timings.pending * 2 ** (looks - 1));
    if ((registers.pcie(bdf, PCIE.DEVICE_STATUS) & DEVICE_STATUS.transactionsPending.mask) === 0) return;
  }
}

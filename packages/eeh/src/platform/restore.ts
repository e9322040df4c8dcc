import { COMMAND, LINK_CONTROL, LINK_STATUS, PCI_HEADER, PCIE, SLOT_CONTROL, SLOT_STATUS } from '@pci-recovery/pci';
import { type EehDevice, type Pe } from '../pe/pe.js';
import { walkDevices } from '../pe/tree.js';
import { answers, readRegister, writeRegister } from './config.js';
import { type Surroundings } from './surroundings.js';
import { pause, type Waiting } from './waiting.js';

/** Power of a slot that was off needs that long, milliseconds. */
const POWER_ON = 2000;
/** A link without active reporting is given that long; another is asked every 20 ms for five seconds. */
const LINK_BLIND = 1000;
const LINK_POLL = 20;
const LINK_MOST = 5000;
/** Link Active Reporting Capable (Link Capabilities bit 20). */
const REPORTS_LINK = 1 << 20;
/** Power Controller Present (Slot Capabilities bit 1). */
const POWER_CONTROLLER = 1 << 1;
/** Power indicator off, on (Slot Control bits 9:8). */
const POWER_INDICATOR = { MASK: 0x300, ON: 0x100 } as const;

const CACHE_AND_LATENCY = 3;
const PARITY_AND_SERR = COMMAND.parityErrorResponse.mask | COMMAND.serrEnable.mask;

/**
 * Writes the registers back that every function of a PE, and of those below, had when it was probed: bridges before what is below
 * them. Those that are unknown are left alone.
 *
 * @param patience so many milliseconds, in all, are functions waited for that a reset has silenced: only after the bridges above
 * them are restored can anybody reach them. Whoever is still silent then is restored in vain.
 *
 * Source: Linux 7.3 arch/powerpc/kernel/eeh_pe.c:eeh_pe_restore_bars, eeh_restore_bridge_bars, eeh_restore_device_bars.
 */
export function* restoreRegisters(around: Surroundings, pe: Pe, patience = 0): Waiting<void> {
  let left = patience;
  for (const device of walkDevices(pe)) {
    const known = device.saved.length > 0;
    if (known && left > 0 && isSilent(around, pe, device)) left -= yield* untilAnswers(around, pe, device, left);
    if (known && device.bridge) yield* restoreBridge(around, device);
    else if (known) restoreEndpoint(around, device);
    around.ops.restoreConfig(device.bdf);
  }
}

/**
 * Whether a function does not answer though it should. A virtual one waits for its physical one's driver, and a PE below that is
 * passed through can be frozen and blocked.
 */
function isSilent({ port }: Surroundings, root: Pe, { bdf, pe, physical }: EehDevice): boolean {
  if (physical || (pe !== root && pe!.passed > 0)) return false;
  return !answers(port, bdf);
}

/** Asks at doubling intervals. How long it took, milliseconds. */
function* untilAnswers(around: Surroundings, root: Pe, device: EehDevice, most: number): Waiting<number> {
  let waited = 0;
  for (let delay = 1; waited < most && isSilent(around, root, device); delay *= 2) {
    const ms = Math.min(delay, most - waited);
    yield pause(around.clock, ms);
    waited += ms;
  }
  return waited;
}

/** Double words that are written back as they were; the command, and what is around it, have rules of their own. */
const DWORDS = { bridge: [4, 5, 6, 7, 8, 9, 10, 11, 12, 14], endpoint: [4, 5, 6, 7, 8, 9, 12] } as const;
const BYTES = [PCI_HEADER.CACHE_LINE_SIZE, PCI_HEADER.LATENCY_TIMER] as const;

function restoreDwords({ port }: Surroundings, device: EehDevice, indices: readonly number[]): void {
  for (const index of indices) writeRegister(port, device, 4 * index, 4, device.saved[index]!);
  for (const offset of BYTES) {
    const value = (device.saved[CACHE_AND_LATENCY]! >>> (8 * (offset & 3))) & 0xff;
    writeRegister(port, device, offset, 1, value);
  }
  // Interrupt line and pin, and what shares their double word.
  writeRegister(port, device, PCI_HEADER.INTERRUPT_LINE, 4, device.saved[15]!);
}

function* restoreBridge(around: Surroundings, device: EehDevice): Waiting<void> {
  restoreDwords(around, device, DWORDS.bridge);
  const command = device.saved[1]! | COMMAND.memorySpace.mask | COMMAND.busMaster.mask;
  writeRegister(around.port, device, PCI_HEADER.COMMAND, 4, command >>> 0);
  yield* bringUpLink(around, device);
}

/** Only parity and SERR of the command register: memory and bus mastering are the driver's matter. */
function restoreEndpoint(around: Surroundings, device: EehDevice): void {
  restoreDwords(around, device, DWORDS.endpoint);
  const command = readRegister(around.port, device, PCI_HEADER.COMMAND, 4);
  const next = (command & ~PARITY_AND_SERR) | (device.saved[1]! & PARITY_AND_SERR);
  writeRegister(around.port, device, PCI_HEADER.COMMAND, 4, next >>> 0);
}

/** Memory and I/O decoding as it was when the function was probed (pci_reenable_device). */
export function reenableDecoding({ port }: Surroundings, device: EehDevice): void {
  if (device.saved.length === 0) return;
  const decoding = device.saved[1]! & (COMMAND.ioSpace.mask | COMMAND.memorySpace.mask);
  const command = readRegister(port, device, PCI_HEADER.COMMAND, 2);
  writeRegister(port, device, PCI_HEADER.COMMAND, 2, command | decoding);
}

/**
 * Powers the slot, enables the link and waits for it, also below a port that was unplugged for the reset
 * (eeh_bridge_check_link).
 */
function* bringUpLink({ port, clock }: Surroundings, device: EehDevice): Waiting<void> {
  const { pcie } = device.offsets;
  if (pcie === 0 || !device.hasLink) return;
  const read = (register: number, width: 2 | 4): number => readRegister(port, device, pcie + register, width);
  const write = (register: number, value: number): void => writeRegister(port, device, pcie + register, 2, value);
  if ((read(PCIE.SLOT_STATUS, 2) & SLOT_STATUS.presenceDetected.mask) === 0) return;
  const power = read(PCIE.SLOT_CONTROL, 2);
  const off = SLOT_CONTROL.powerControllerOff.mask;
  if ((read(PCIE.SLOT_CAPABILITIES, 2) & POWER_CONTROLLER) !== 0 && (power & off) !== 0) {
    write(PCIE.SLOT_CONTROL, (power & ~(off | POWER_INDICATOR.MASK)) | POWER_INDICATOR.ON);
    yield pause(clock, POWER_ON);
  }
  write(PCIE.LINK_CONTROL, read(PCIE.LINK_CONTROL, 2) & ~LINK_CONTROL.linkDisable.mask);
  const blind = device.present && (read(PCIE.LINK_CAPABILITIES, 4) & REPORTS_LINK) === 0;
  if (blind) return void (yield pause(clock, LINK_BLIND));
  for (let waited = 0; waited < LINK_MOST; waited += LINK_POLL) {
    yield pause(clock, LINK_POLL);
    if ((read(PCIE.LINK_STATUS, 2) & LINK_STATUS.dataLinkLayerActive.mask) !== 0) return;
  }
}

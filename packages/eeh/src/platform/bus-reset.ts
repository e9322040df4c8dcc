import { type Bdf } from '@pci-recovery/core';
import {
  AER,
  BRIDGE_CONTROL,
  DEVICE_CAPABILITIES,
  DEVICE_CONTROL,
  DEVICE_STATUS,
  PCI_HEADER,
  PCIE,
  UNCORRECTABLE_ERRORS,
} from '@pci-recovery/pci';
import { type TopologyFunction } from '@pci-recovery/pci/topology';
import { OPAL_ASSERT, OPAL_RESET } from '../firmware/opal.js';
import { EEH_RESET } from '../firmware/states.js';
import { type EehDevice, type Pe } from '../pe/pe.js';
import { answers, readRegister, writeRegister } from './config.js';
import { ERRNO } from './errno.js';
import { finished, rootReset, type OpalSurroundings } from './opal-reset.js';
import { pause, type Waiting } from './waiting.js';

const BUS_RESET = BRIDGE_CONTROL.secondaryBusReset.mask;
const SURPRISE_DOWN = UNCORRECTABLE_ERRORS.find((error) => error.linux === 'SURPDN')!.mask;
const PENDING_TRIES = 4;
/** Advanced Features capability (PCI AF ECN): offsets of capabilities and control; their bits. */
const AF = { CAP: 3, CTRL: 4, HAS_TP: 1, HAS_FLR: 2, FLR: 1, PENDING: 0x100 } as const;

/**
 * Resets the bus that a PE's functions are on. A hot reset is complete in itself; taking it back does nothing. When the bus does
 * not come back, and for a fundamental reset, its bridge is reset once more as a whole; that one is taken back. The kernel
 * forgets to, and leaves the bus in reset where firmware does not do it by itself.
 *
 * Unlike the kernel's wait for the bus, which meets its own block of configuration space, ours can see who answers.
 *
 * Source: Linux 7.3 eeh-powernv.c:pnv_eeh_reset, pnv_pci_reset_secondary_bus.
 */
export function* resetPrimaryBus(around: OpalSurroundings, pe: Pe, option: number): Waiting<number> {
  if (option === EEH_RESET.DEACTIVATE && !around.held.delete(pe)) return 0;
  const bridge = bridgeAbove(around, pe);
  if (!bridge) return ERRNO.EIO;
  const belowRoot = around.tree.phb(pe.phb)?.bus === busOf(bridge.bdf);
  const whole = (which: number): Waiting<number> =>
    belowRoot ? rootReset(around, pe.phb, which) : resetBelow(around, bridge.bdf, which);
  if (option === EEH_RESET.DEACTIVATE) return yield* whole(option);
  if (option === EEH_RESET.HOT) {
    const rc = (yield* whole(EEH_RESET.HOT)) || (yield* whole(EEH_RESET.DEACTIVATE));
    if (rc === 0 && (hides(around, pe) || (yield* answersAgain(around, bridge.bdf)))) return 0;
  }
  around.held.add(pe);
  return yield* whole(option);
}

const busOf = (bdf: Bdf): number => parseInt(bdf.slice(-7, -5), 16);

/** Above any function of the PE, also one that was unplugged for the reset: its address still says where the bus is. */
function bridgeAbove({ port }: OpalSurroundings, pe: Pe): TopologyFunction | undefined {
  for (const { bdf } of pe.functions) {
    const bridge = port.topology.upstreamBridge(bdf);
    if (bridge) return bridge;
  }
  return undefined;
}

/** Linux pnv_eeh_bridge_reset, __pnv_eeh_bridge_reset. */
function* resetBelow(around: OpalSurroundings, bridge: Bdf, option: number): Waiting<number> {
  const { port, firmware, tree, clock, timings } = around;
  const device = tree.device(bridge);
  if (!device) return ERRNO.EIO;
  if (port.resetByFirmware(bridge)) {
    if (option === EEH_RESET.DEACTIVATE) return 0;
    const target = { phb: device.pe?.phb ?? 0, bridge };
    const scope = option === EEH_RESET.HOT ? OPAL_RESET.HOT : OPAL_RESET.FUNDAMENTAL;
    return (yield* finished(around, target, firmware.reset(target, scope, OPAL_ASSERT.ASSERT))) === 0 ? 0 : ERRNO.EIO;
  }
  const asserting = option !== EEH_RESET.DEACTIVATE;
  if (asserting) maskSurpriseDown(around, device, true);
  const control = readRegister(port, device, PCI_HEADER.BRIDGE_CONTROL, 2);
  const next = asserting ? control | BUS_RESET : control & ~BUS_RESET;
  writeRegister(port, device, PCI_HEADER.BRIDGE_CONTROL, 2, next);
  yield pause(clock, asserting ? timings.hold : timings.settle);
  if (!asserting) maskSurpriseDown(around, device, false);
  return 0;
}

function maskSurpriseDown({ port }: OpalSurroundings, device: EehDevice, masked: boolean): void {
  const { aer } = device.offsets;
  if (aer === 0) return;
  const mask = readRegister(port, device, aer + AER.UNCOR_MASK, 4);
  const next = masked ? mask | SURPRISE_DOWN : mask & ~SURPRISE_DOWN;
  writeRegister(port, device, aer + AER.UNCOR_MASK, 4, next >>> 0);
}

/** The freeze outlasts the reset, and a P7IOC lets nobody see what is behind it. */
const hides = ({ p7iocs }: OpalSurroundings, { phb }: Pe): boolean => p7iocs.has(phb);

/** Asks the first function below a bridge at doubling intervals; an empty bus has nobody to wait for. */
function* answersAgain({ port, clock, timings }: OpalSurroundings, bridge: Bdf): Waiting<boolean> {
  const [first] = port.topology.below(bridge);
  if (!first) return true;
  for (let delay = 1; ; delay *= 2) {
    if (answers(port, first.bdf)) return true;
    if (delay > timings.ready) return false;
    yield pause(clock, delay);
  }
}

/**
 * A virtual function has no bus of its own: only its own reset, which goes through its configuration space, blocked for others
 * or not. The kernel meets its own block there when an owner asks for the reset, and resets nothing (pnv_eeh_reset_vf_pe).
 */
export function* resetVirtualFunction(around: OpalSurroundings, pe: Pe, option: number): Waiting<number> {
  const [device] = pe.functions;
  if (!device) return ERRNO.ENXIO;
  const { port, clock, timings } = around;
  const reset = functionResetOf(around, device);
  if (!reset) return ERRNO.ENOTTY;
  if (option === EEH_RESET.DEACTIVATE) {
    reset.release();
    yield pause(clock, timings.settle);
    return 0;
  }
  for (let tries = 0; tries < PENDING_TRIES; tries++) {
    if ((port.readConfig(device.bdf, reset.pending.offset, 2) & reset.pending.mask) === 0) break;
    yield pause(clock, 100 << tries);
  }
  reset.assert();
  yield pause(clock, timings.hold);
  return 0;
}

interface FunctionReset {
  readonly pending: { readonly offset: number; readonly mask: number };
  assert(): void;
  release(): void;
}

/** Function level reset of PCI Express, else that of the AF capability (pnv_eeh_do_flr, pnv_eeh_do_af_flr). */
function functionResetOf({ port }: OpalSurroundings, device: EehDevice): FunctionReset | undefined {
  const { pcie, af } = device.offsets;
  const bits = (offset: number, width: 1 | 2 | 4): number => port.readConfig(device.bdf, offset, width);
  const write = (offset: number, width: 1 | 2, value: number): void =>
    port.writeConfig(device.bdf, offset, width, value);
  if (pcie !== 0 && (bits(pcie + PCIE.DEVICE_CAPABILITIES, 4) & DEVICE_CAPABILITIES.functionLevelReset.mask) !== 0) {
    const offset = pcie + PCIE.DEVICE_CONTROL;
    const flr = DEVICE_CONTROL.functionLevelResetOrBridgeRetry.mask;
    return {
      pending: { offset: pcie + PCIE.DEVICE_STATUS, mask: DEVICE_STATUS.transactionsPending.mask },
      assert: () => write(offset, 2, bits(offset, 2) | flr),
      release: () => write(offset, 2, bits(offset, 2) & ~flr),
    };
  }
  const wanted = AF.HAS_TP | AF.HAS_FLR;
  if (af === 0 || (bits(af + AF.CAP, 1) & wanted) !== wanted) return undefined;
  return {
    pending: { offset: af + AF.CTRL, mask: AF.PENDING },
    assert: () => write(af + AF.CTRL, 1, AF.FLR),
    release: () => write(af + AF.CTRL, 1, 0),
  };
}

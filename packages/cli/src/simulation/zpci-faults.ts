import { type KernelPolicyOptions } from '@pci-recovery/core';
import { type SimulatedZpci } from '@pci-recovery/zpci/sim';
import { HANGING, THROWING, type DriverTemper } from './driver.js';
import { type SimulatedFault } from './simulation.js';
import { FID, type AT } from './zpci-machine.js';

/** A fault, and how the hardware gets it. */
export interface ZpciFault extends SimulatedFault {
  /** How many errors are expected to be reported. Default: 1. */
  readonly errors?: number;
  /** Drivers that differ from a good one, by function; `null`: no driver. */
  readonly drivers?: Partial<Readonly<Record<keyof typeof AT, DriverTemper | null>>>;
  readonly policy?: KernelPolicyOptions;
  /**
   * The drive is held through VFIO. `host`: what the host does then is shown; `holder`: what the holder does, while a
   * simulated kernel is the host.
   */
  readonly held?: 'host' | 'holder';
  strike(hardware: SimulatedZpci): void;
  /** While the first recovery tells its drivers. */
  strikeAgain?(hardware: SimulatedZpci): void;
}

/** A driver that looks at its device before it asks for more. */
const LOOKING: DriverTemper = { votes: () => 'can_recover' };

/** An address that nothing is mapped at. */
const UNMAPPED = 0x1_2000_0000n;

const badDma = (hardware: SimulatedZpci): void => void hardware.dma(FID.drive, { address: UNMAPPED });

export const ZPCI_FAULTS: readonly ZpciFault[] = [
  {
    name: 'fatal',
    title: 'A drive does DMA to an address that is not mapped; it is reset.',
    ends: 'recovered',
    strike: badDma,
  },
  {
    name: 'nonfatal',
    title: 'The same, and the driver looks: registers, then DMA are let through, without a reset.',
    ends: 'recovered',
    drivers: { [FID.drive]: LOOKING },
    strike: badDma,
  },
  {
    name: 'stays-blocked',
    title: 'The driver wants to look, but firmware does not let registers through: it is reset instead.',
    ends: 'recovered',
    drivers: { [FID.drive]: LOOKING },
    strike(hardware) {
      hardware.script({ fault: 'call_fails', call: 'reset_block', fid: FID.drive });
      badDma(hardware);
    },
  },
  {
    name: 'measurement',
    title: 'An event about the measurement block: recorded, nothing to recover.',
    ends: 'ignored',
    strike: (hardware) => hardware.detect(FID.drive, { pec: 0x2a }),
  },
  {
    name: 'permanent',
    title: 'The platform says that the drive is lost.',
    ends: 'disconnected',
    strike: (hardware) => hardware.detect(FID.drive, { pec: 0x3b }),
  },
  {
    name: 'fatal-two-functions',
    title: 'Both functions of a network card have errors: each is recovered by itself.',
    ends: 'recovered',
    errors: 2,
    strike(hardware) {
      hardware.detect(FID.network0, { pec: 0x0b });
      hardware.detect(FID.network1, { pec: 0x0b });
    },
  },
  {
    name: 'handled-already',
    title: 'A second error before the reset: its handle is stale when its turn comes, nothing is left to do.',
    ends: 'recovered',
    errors: 2,
    strike: badDma,
    strikeAgain: (hardware) => hardware.detect(FID.drive, { pec: 0x0b }),
  },
  {
    name: 'disabled-by-firmware',
    title: 'Firmware has disabled the drive with the error: it is enabled anew.',
    ends: 'recovered',
    drivers: { [FID.drive]: LOOKING },
    strike: (hardware) => hardware.detect(FID.drive, { pec: 0x3a, disables: 'openly' }),
  },
  {
    name: 'firmware-busy',
    title: 'Firmware is busy when the drive is to be enabled: it is asked again every 20 ms.',
    ends: 'recovered',
    strike(hardware) {
      hardware.script({ fault: 'call_fails', call: 'enable', answer: 0x0108, times: 5 });
      badDma(hardware);
    },
  },
  {
    name: 'reset-fails',
    title: 'The drive cannot be enabled any more after it was disabled for the reset.',
    ends: 'disconnected',
    strike(hardware) {
      hardware.script({ fault: 'call_fails', call: 'enable', fid: FID.drive });
      badDma(hardware);
    },
  },
  {
    name: 'surprise-removal',
    title: 'The drive is taken away while it is reset.',
    ends: 'disconnected',
    strike(hardware) {
      hardware.script({ fault: 'removed_at_call', call: 'enable', fid: FID.drive });
      badDma(hardware);
    },
  },
  {
    name: 'without-driver',
    title: 'No driver is bound to the drive: it cannot be recovered.',
    ends: 'disconnected',
    drivers: { [FID.drive]: null },
    strike: badDma,
  },
  {
    name: 'driver-throws',
    title: 'The driver breaks down when it hears of the error.',
    ends: 'disconnected',
    drivers: { [FID.drive]: THROWING },
    strike: badDma,
  },
  {
    name: 'driver-hangs',
    title: 'The driver never answers: its deadline passes.',
    ends: 'disconnected',
    drivers: { [FID.drive]: HANGING },
    strike: badDma,
  },
  {
    name: 'too-many',
    title: 'Policy gives a drive up that has too many errors.',
    ends: 'disconnected',
    policy: { perDevice: { count: 1, windowMs: 60_000, window: 'sliding' } },
    strike: badDma,
  },
  {
    name: 'held',
    title: 'The drive is held through VFIO: the host keeps the record and leaves the rest to user space.',
    ends: 'handed_over',
    held: 'host',
    drivers: { [FID.drive]: LOOKING },
    strike: badDma,
  },
  {
    name: 'holder',
    title: 'The holder’s part: the reset is tried until the host lets it, then configuration is restored.',
    ends: 'recovered',
    held: 'holder',
    strike: badDma,
  },
];

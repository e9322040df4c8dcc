import { type KernelPolicyOptions } from '@pci-recovery/core';
import { type SimulatedHardware } from '@pci-recovery/aer/sim';
import { AT } from './aer-machine.js';
import { HANGING, SLOW, THROWING, type DriverTemper } from './driver.js';
import { type SimulatedFault } from './simulation.js';

/** A fault, and how the hardware gets it. */
export interface AerFault extends SimulatedFault {
  /** How many errors are expected to be reported. Default: 1. */
  readonly errors?: number;
  /** Drivers that differ from a good one, by address; `null`: no driver. */
  readonly drivers?: Readonly<Record<string, DriverTemper | null>>;
  readonly policy?: KernelPolicyOptions;
  strike(hardware: SimulatedHardware): void;
  /** While the first recovery tells its drivers. */
  strikeAgain?(hardware: SimulatedHardware): void;
}

/** A memory write of 4 bytes to 0xfee0_0000 by the function at bus 1, as its header is logged. */
const HEADER = [0x4000_0001, 0x0100_00ff, 0xfee0_0000, 0x0000_0000];

/** A driver that wants its device reset even when the channel is fine. */
const CAREFUL: DriverTemper = { votes: () => 'need_reset' };

export const AER_FAULTS: readonly AerFault[] = [
  {
    name: 'fatal',
    title: 'A malformed TLP freezes an NVMe drive; its link is reset.',
    ends: 'recovered',
    strike: (hardware) => void hardware.detect(AT.nvme, { error: 'MALF_TLP', header: HEADER }),
  },
  {
    name: 'nonfatal',
    title: 'A completion timeout; the driver looks and goes on without a reset.',
    ends: 'recovered',
    strike: (hardware) => void hardware.detect(AT.nvme, { error: 'COMP_TIME' }),
  },
  {
    name: 'nonfatal-need-reset',
    title: 'A completion timeout; the driver wants a reset all the same.',
    ends: 'recovered',
    drivers: { [AT.nvme]: CAREFUL },
    strike: (hardware) => void hardware.detect(AT.nvme, { error: 'COMP_TIME' }),
  },
  {
    name: 'correctable',
    title: 'A bad TLP that the link layer repeated: recorded, nothing to recover.',
    ends: 'ignored',
    strike: (hardware) => void hardware.detect(AT.nvme, { error: 'BAD_TLP' }),
  },
  {
    name: 'fatal-two-functions',
    title: 'One function of a network card has a fatal error; both are recovered.',
    ends: 'recovered',
    strike: (hardware) => void hardware.detect(AT.network0, { error: 'DLP' }),
  },
  {
    name: 'fatal-at-root-port',
    title: 'A root port has a fatal error: everything below it is reset, switch and all.',
    ends: 'recovered',
    strike: (hardware) => void hardware.detect('0000:00:08.0', { error: 'DLP' }),
  },
  {
    name: 'fatal-behind-switch',
    title: 'A fatal error behind a switch: only that downstream port is reset.',
    ends: 'recovered',
    strike: (hardware) => void hardware.detect(AT.behindSwitch, { error: 'MALF_TLP' }),
  },
  {
    name: 'integrated-endpoint',
    title: 'A fatal error of an endpoint in the root complex: a function level reset, reported by an event collector.',
    ends: 'recovered',
    strike: (hardware) => void hardware.detect(AT.dsa, { error: 'MALF_TLP' }),
  },
  {
    name: 'back-to-back',
    title: 'Two errors of one drive in a row: the second is looked at when the first is done.',
    ends: 'recovered',
    errors: 2,
    strike: (hardware) => void hardware.detect(AT.nvme, { error: 'COMP_TIME' }),
    strikeAgain: (hardware) => void hardware.detect(AT.nvme, { error: 'MALF_TLP' }),
  },
  {
    name: 'handled-already',
    title: 'A second error whose status the first recovery has cleared: nothing is left to do.',
    ends: 'recovered',
    errors: 2,
    drivers: { [AT.nvme]: SLOW },
    strike: (hardware) => void hardware.detect(AT.nvme, { error: 'COMP_TIME' }),
    strikeAgain: (hardware) => void hardware.detect(AT.nvme, { error: 'UNX_COMP' }),
  },
  {
    name: 'sibling-without-driver',
    title: 'A network card of which one function has no driver: nobody of it can be recovered.',
    ends: 'disconnected',
    drivers: { [AT.network1]: null },
    strike: (hardware) => void hardware.detect(AT.network0, { error: 'MALF_TLP' }),
  },
  {
    name: 'link-stays-down',
    title: 'The link does not come up again after the reset.',
    ends: 'disconnected',
    strike(hardware) {
      hardware.script({ fault: 'link_stays_down', bdf: AT.nvmePort });
      hardware.detect(AT.nvme, { error: 'MALF_TLP' });
    },
  },
  {
    name: 'surprise-removal',
    title: 'The drive is pulled out while its link is reset.',
    ends: 'disconnected',
    strike(hardware) {
      hardware.script({ fault: 'removed_at_reset', bdf: AT.nvme, reset: 1 });
      hardware.detect(AT.nvme, { error: 'MALF_TLP' });
    },
  },
  {
    name: 'driver-throws',
    title: 'The driver breaks down when it hears of the error.',
    ends: 'disconnected',
    drivers: { [AT.nvme]: THROWING },
    strike: (hardware) => void hardware.detect(AT.nvme, { error: 'COMP_TIME' }),
  },
  {
    name: 'driver-hangs',
    title: 'The driver never answers: its deadline passes.',
    ends: 'disconnected',
    drivers: { [AT.nvme]: HANGING },
    strike: (hardware) => void hardware.detect(AT.nvme, { error: 'COMP_TIME' }),
  },
  {
    name: 'too-many',
    title: 'Policy gives a drive up that has too many errors.',
    ends: 'disconnected',
    policy: { perDevice: { count: 1, windowMs: 60_000, window: 'sliding' } },
    strike: (hardware) => void hardware.detect(AT.nvme, { error: 'COMP_TIME' }),
  },
];

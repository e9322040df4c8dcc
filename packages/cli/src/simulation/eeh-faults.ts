import { type KernelPolicyOptions } from '@pci-recovery/core';
import { OPAL } from '@pci-recovery/eeh';
import { type SimulatedEehHardware } from '@pci-recovery/eeh/sim';
import { HANGING, THROWING, type DriverTemper } from './driver.js';
import { AT, PHB, SWITCH } from './eeh-machine.js';
import { type SimulatedFault } from './simulation.js';

/** A fault, and how the hardware gets it. */
export interface EehFaultShown extends SimulatedFault {
  /** How many errors are expected to be reported. Default: 1. */
  readonly errors?: number;
  /** Drivers that differ from a good one, by address; `null`: no driver. */
  readonly drivers?: Readonly<Record<string, DriverTemper | null>>;
  readonly policy?: KernelPolicyOptions;
  /** So often may a PE freeze. Default: 5. */
  readonly mostFreezes?: number;
  strike(hardware: SimulatedEehHardware): void;
}

/** A driver that looks at its device before it asks for more. */
const LOOKING: DriverTemper = { votes: () => 'can_recover' };

/** A PE freezes, and its driver's next read gives all ones. */
function freeze(hardware: SimulatedEehHardware, bdf: string): void {
  hardware.freeze(bdf);
  hardware.readMemory(bdf, 0);
}

const ofNvme = (hardware: SimulatedEehHardware): void => freeze(hardware, AT.nvme);

export const EEH_FAULTS: readonly EehFaultShown[] = [
  {
    name: 'fatal',
    title: 'A PE freezes; the driver’s read gives all ones, and the PE is reset.',
    ends: 'recovered',
    strike: ofNvme,
  },
  {
    name: 'nonfatal',
    title: 'The same, and the driver looks: MMIO, then DMA are thawed, without a reset.',
    ends: 'recovered',
    drivers: { [AT.nvme]: LOOKING },
    strike: ofNvme,
  },
  {
    name: 'informative',
    title: 'A host bridge has something for the record: nothing to recover.',
    ends: 'ignored',
    strike: (hardware) => hardware.inform(PHB.nvme),
  },
  {
    name: 'fatal-two-functions',
    title: 'A network card of two functions freezes: both are in one PE, and both are recovered.',
    ends: 'recovered',
    strike: (hardware) => freeze(hardware, AT.network0),
  },
  {
    name: 'fatal-behind-switch',
    title: 'A card behind a switch freezes: only its own bus is reset.',
    ends: 'recovered',
    strike: (hardware) => freeze(hardware, AT.behindSwitch),
  },
  {
    name: 'frozen-switch',
    title: 'A switch freezes: its PE is recovered with those of the cards below it.',
    ends: 'recovered',
    strike: (hardware) => freeze(hardware, SWITCH),
  },
  {
    name: 'reported',
    title: 'Firmware reports a frozen PE before any driver has read anything.',
    ends: 'recovered',
    strike: (hardware) => hardware.freeze(AT.nvme, { reported: true }),
  },
  {
    name: 'fenced',
    title: 'A host bridge is fenced: only a complete reset of it helps.',
    ends: 'recovered',
    strike: (hardware) => hardware.fence(PHB.network),
  },
  {
    name: 'dead',
    title: 'A host bridge dies: everything below it is removed.',
    ends: 'disconnected',
    strike: (hardware) => hardware.kill(PHB.network),
  },
  {
    name: 'sibling-without-driver',
    title: 'One function of a card has no driver: it is unplugged for the reset, and comes back.',
    ends: 'recovered',
    drivers: { [AT.network1]: null },
    strike: (hardware) => freeze(hardware, AT.network0),
  },
  {
    name: 'without-driver',
    title: 'No driver is bound: the PE is reset with hotplug.',
    ends: 'recovered',
    drivers: { [AT.nvme]: null },
    strike: ofNvme,
  },
  {
    name: 'firmware-busy',
    title: 'Firmware cannot tell the state of the PE for a while.',
    ends: 'recovered',
    strike(hardware) {
      ofNvme(hardware);
      hardware.makeUnavailable(AT.nvme, 4000);
    },
  },
  {
    name: 'reset-fails',
    title: 'Firmware refuses all three tries of the reset.',
    ends: 'disconnected',
    strike(hardware) {
      hardware.script({ fault: 'call_fails', call: 'reset', rc: OPAL.HARDWARE });
      ofNvme(hardware);
    },
  },
  {
    name: 'surprise-removal',
    title: 'The drive has been pulled out: its slot is empty.',
    ends: 'disconnected',
    strike(hardware) {
      hardware.pull(AT.nvme);
      ofNvme(hardware);
    },
  },
  {
    name: 'driver-throws',
    title: 'The driver breaks down when it hears of the error.',
    ends: 'disconnected',
    drivers: { [AT.nvme]: THROWING },
    strike: ofNvme,
  },
  {
    name: 'driver-hangs',
    title: 'The driver never answers: its deadline passes.',
    ends: 'disconnected',
    drivers: { [AT.nvme]: HANGING },
    strike: ofNvme,
  },
  {
    name: 'too-many',
    title: 'A PE that has frozen more often than it may is given up.',
    ends: 'disconnected',
    mostFreezes: 0,
    strike: ofNvme,
  },
  {
    name: 'last-in-first-out',
    title: 'Three PEs freeze at a time: one queue for the machine, the newest waiting one first.',
    ends: 'recovered',
    errors: 3,
    strike(hardware) {
      for (const bdf of [AT.nvme, AT.network0, AT.behindSwitch]) freeze(hardware, bdf);
    },
  },
];

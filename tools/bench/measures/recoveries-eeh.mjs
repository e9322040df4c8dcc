// EEH recoveries a second.
import { parseBdf, systemClock } from '@pci-recovery/core';
import { EehPlatform, KERNEL_TIMINGS } from '@pci-recovery/eeh';
import { simulateEeh } from '@pci-recovery/eeh/sim';
import { CONDITIONS, recoveryRates } from '../recovery-rounds.mjs';

/** Host bridges with a card each: the whole machine has one recovery at a time. */
const HOST_BRIDGES = 16;
const RECOVERIES = 8_000;

/** Nothing is held or left to settle; firmware and hardware are ready at once, so limits of waiting stay the kernel's. */
const NO_WAITING = { ...KERNEL_TIMINGS, hold: 0, settle: 0, hotplug: 0, shortestAsk: 0 };

const looking = () => ({
  errorDetected: async () => 'can_recover',
  mmioEnabled: async () => 'recovered',
  resume: async () => undefined,
});

const resetting = () => ({
  errorDetected: async () => 'need_reset',
  slotReset: async () => 'recovered',
  resume: async () => undefined,
});

const hostBridge = (phb) => {
  const card = { kind: 'endpoint', bdf: '01:00.0', driver: 'nvme' };
  return { phb, below: [{ kind: 'root_port', bdf: '00:00.0', driver: 'pcieport', below: [card] }] };
};

async function measured(driver, times) {
  const hostBridges = Array.from({ length: HOST_BRIDGES }, (_, phb) => hostBridge(phb));
  const resetMs = { hot: 0, fundamental: 0, complete: 0 };
  const hardware = simulateEeh({ clock: systemClock, hostBridges, resetMs, log: { limit: 0 } });
  const platform = new EehPlatform(hardware, systemClock, { timings: NO_WAITING, mostFreezes: Infinity });
  hardware.onAllOnes((bdf) => void platform.checkFailure(bdf));
  return recoveryRates({
    platform,
    functions: hostBridges.map(({ phb }) => parseBdf(`${phb.toString(16).padStart(4, '0')}:01:00.0`)),
    driverOf: driver,
    strike: (bdf) => {
      hardware.freeze(bdf);
      hardware.readMemory(bdf, 0);
    },
    count: RECOVERIES,
    resets: { operation: 'reset', times },
  });
}

const SIZE = {
  'host bridges with a card each': HOST_BRIDGES,
  firmware: 'OPAL',
  'recoveries a round': RECOVERIES,
  ...CONDITIONS,
};

export const measure = async () => [
  {
    name: 'EEH recoveries without reset',
    unit: 'per second',
    conditions: { ...SIZE, callbacks: 'error_detected, mmio_enabled, resume' },
    ...(await measured(looking, 0)),
  },
  {
    name: 'EEH recoveries with reset',
    unit: 'per second',
    target: { atLeast: 25_000 },
    conditions: { ...SIZE, callbacks: 'error_detected, slot_reset, resume', 'waiting times': 'all zero' },
    ...(await measured(resetting, 1)),
  },
];

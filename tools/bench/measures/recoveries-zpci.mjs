// zPCI recoveries a second.
import { parseBdf, systemClock } from '@pci-recovery/core';
import { restoreZpciConfig, saveZpciConfig, ZpciPlatform } from '@pci-recovery/zpci';
import { simulateZpci } from '@pci-recovery/zpci/sim';
import { CONDITIONS, recoveryRates } from '../recovery-rounds.mjs';

const FUNCTIONS = 16;
const RECOVERIES = 16_000;
/** A DMA to an address that is not mapped. */
const EVENT_CODE = 0x04;

const looking = () => ({
  errorDetected: async () => 'can_recover',
  mmioEnabled: async () => 'recovered',
  resume: async () => undefined,
});

function restoring(hardware, bdf) {
  const config = {
    readConfig: (offset, width) => hardware.readConfig(bdf, offset, width),
    writeConfig: (offset, width, value) => hardware.writeConfig(bdf, offset, width, value),
  };
  const saved = saveZpciConfig(config);
  return {
    errorDetected: async () => 'need_reset',
    slotReset: async () => (restoreZpciConfig(config, saved) ? 'recovered' : 'disconnect'),
    resume: async () => undefined,
  };
}

async function measured(driver, times) {
  const functions = Array.from({ length: FUNCTIONS }, (_, n) => {
    const uid = (n + 1).toString(16).padStart(4, '0');
    return { fid: n + 1, bdf: parseBdf(`${uid}:00:00.0`), driver: 'mlx5_core' };
  });
  const fids = new Map(functions.map(({ bdf, fid }) => [bdf, fid]));
  const hardware = simulateZpci({ clock: systemClock, functions, log: { limit: 0 } });
  return recoveryRates({
    platform: new ZpciPlatform(hardware, systemClock),
    functions: [...fids.keys()],
    driverOf: (bdf) => driver(hardware, bdf),
    strike: (bdf) => hardware.detect(fids.get(bdf), { pec: EVENT_CODE }),
    count: RECOVERIES,
    resets: { operation: 'hot_reset', times },
  });
}

const SIZE = { functions: FUNCTIONS, 'recoveries a round': RECOVERIES, ...CONDITIONS };

export const measure = async () => [
  {
    name: 'zPCI recoveries without reset',
    unit: 'per second',
    conditions: { ...SIZE, callbacks: 'error_detected, mmio_enabled, resume' },
    ...(await measured(looking, 0)),
  },
  {
    name: 'zPCI recoveries with reset',
    unit: 'per second',
    target: { atLeast: 25_000 },
    conditions: { ...SIZE, callbacks: 'error_detected, slot_reset (restores configuration), resume' },
    ...(await measured(restoring, 1)),
  },
];

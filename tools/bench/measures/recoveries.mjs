// AER recoveries a second.
import { AerPlatform, restoreConfig, saveConfig } from '@pci-recovery/aer';
import { simulate } from '@pci-recovery/aer/sim';
import { parseBdf, systemClock } from '@pci-recovery/core';
import { CONDITIONS, recoveryRates } from '../recovery-rounds.mjs';

/** Root ports with one endpoint each; their errors are recovered at the same time. */
const ROOT_PORTS = 16;
const RECOVERIES = 16_000;

/** Hardware that is ready at once. */
export const NO_WAITING = {
  assert: 0,
  settle: 0,
  conventional: 0,
  answer: 0,
  detect: 0,
  link: 0,
  linkPoll: 0,
  ready: 0,
  pending: 0,
  flr: 0,
};

const hex = (number) => number.toString(16).padStart(2, '0');

const rootPort = (n) => ({
  kind: 'root_port',
  bdf: `00:${hex(n + 1)}.0`,
  below: [{ kind: 'endpoint', bdf: `${hex(n + 1)}:00.0`, driver: 'nvme' }],
});

const looking = () => ({
  errorDetected: async () => 'can_recover',
  mmioEnabled: async () => 'recovered',
  resume: async () => undefined,
});

function restoring(hardware, bdf) {
  const saved = saveConfig(hardware, bdf);
  return {
    errorDetected: async () => 'need_reset',
    slotReset: async () => {
      restoreConfig(hardware, saved);
      return 'recovered';
    },
    resume: async () => undefined,
  };
}

async function measured(error, driver, times) {
  const rootPorts = Array.from({ length: ROOT_PORTS }, (_, n) => rootPort(n));
  const hardware = simulate({ clock: systemClock, rootPorts, log: { limit: 0 } });
  return recoveryRates({
    platform: new AerPlatform(hardware, systemClock, { timings: NO_WAITING }),
    functions: rootPorts.map(({ below }) => parseBdf(below[0].bdf)),
    driverOf: (bdf) => driver(hardware, bdf),
    strike: (bdf) => hardware.detect(bdf, { error }),
    count: RECOVERIES,
    resets: { operation: 'reset_subordinates', times },
  });
}

const SIZE = { 'root ports with an endpoint each': ROOT_PORTS, 'recoveries a round': RECOVERIES, ...CONDITIONS };

export const measure = async () => [
  {
    name: 'AER recoveries without reset',
    unit: 'per second',
    target: { atLeast: 40_000 },
    conditions: { ...SIZE, error: 'COMP_TIME, non-fatal', callbacks: 'error_detected, mmio_enabled, resume' },
    ...(await measured('COMP_TIME', looking, 0)),
  },
  {
    name: 'AER recoveries with reset',
    unit: 'per second',
    target: { atLeast: 25_000 },
    conditions: {
      ...SIZE,
      error: 'MALF_TLP, fatal',
      callbacks: 'error_detected, slot_reset (restores configuration), resume',
      'reset timings': 'all zero',
    },
    ...(await measured('MALF_TLP', restoring, 1)),
  },
];

// AER recoveries a second: from an error that simulated hardware detects to the outcome "recovered".
import { AerPlatform, restoreConfig, saveConfig } from '@pci-recovery/aer';
import { simulate } from '@pci-recovery/aer/sim';
import { createEngine, KernelPolicy, parseBdf, systemClock } from '@pci-recovery/core';
import { moreIsBetter, rates } from '../rounds.mjs';

/** Root ports with one endpoint each; their errors are recovered at the same time. */
const ROOT_PORTS = 16;
const RECOVERIES = 16_000;
const DEADLINE_MS = 30_000;

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

/** An engine on a machine, with drivers that answer at some later time; `ended` gets every outcome. */
async function started(driverOf, ended) {
  const rootPorts = Array.from({ length: ROOT_PORTS }, (_, n) => rootPort(n));
  const hardware = simulate({ clock: systemClock, rootPorts, log: { limit: 0 } });
  const platform = new AerPlatform(hardware, systemClock, { timings: NO_WAITING });
  const engine = createEngine({
    platforms: [platform],
    policy: new KernelPolicy({ deadlineMs: DEADLINE_MS }),
    observers: [(event) => event.type === 'ended' && ended(event.outcome)],
  });
  const endpoints = rootPorts.map(({ below }) => parseBdf(below[0].bdf));
  for (const bdf of endpoints) engine.attach(bdf, driverOf(hardware, bdf));
  await engine.start();
  return { hardware, engine, endpoints };
}

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

/** Every endpoint has its next error when its last one is recovered, until there were enough. */
async function measured(error, driverOf, resets) {
  let left = 0;
  let running = 0;
  let finish;
  const wrong = [];
  const detect = (bdf) => {
    if (left-- > 0) (running++, machine.hardware.detect(bdf, { error }));
  };
  const ended = (outcome) => {
    const reset = outcome.trace.filter(
      (entry) => entry.what === 'operate' && entry.operation.name === 'reset_subordinates',
    );
    if (outcome.result !== 'recovered' || reset.length !== resets) wrong.push(outcome.why);
    running--;
    detect(outcome.event.device.bdf);
    if (running === 0) finish();
  };
  const machine = await started(driverOf, ended);
  const work = () =>
    new Promise((resolve) => {
      left = RECOVERIES;
      finish = resolve;
      for (const bdf of machine.endpoints) detect(bdf);
    });
  const found = await rates({ count: RECOVERIES, work });
  await machine.engine.close();
  if (wrong.length > 0) throw new Error(`${wrong.length} recoveries did not end as they should: ${wrong[0]}`);
  return moreIsBetter(found);
}

const CONDITIONS = {
  'root ports with an endpoint each': ROOT_PORTS,
  'recoveries a round': RECOVERIES,
  'deadline of every callback, ms': DEADLINE_MS,
  trace: 'on',
  observers: 1,
  handlers: 'async',
  'bus log': 'off',
  clock: "the system's",
};

export async function measure() {
  return [
    {
      name: 'recoveries without reset',
      unit: 'per second',
      target: { atLeast: 40_000 },
      conditions: { ...CONDITIONS, error: 'COMP_TIME, non-fatal', callbacks: 'error_detected, mmio_enabled, resume' },
      ...(await measured('COMP_TIME', looking, 0)),
    },
    {
      name: 'recoveries with reset',
      unit: 'per second',
      target: { atLeast: 25_000 },
      conditions: {
        ...CONDITIONS,
        error: 'MALF_TLP, fatal',
        callbacks: 'error_detected, slot_reset (restores configuration), resume',
        'reset timings': 'all zero',
      },
      ...(await measured('MALF_TLP', restoring, 1)),
    },
  ];
}

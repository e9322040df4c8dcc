// A storm of corrected errors with fatal ones among them: rate, memory, and how long a fatal one waits for its driver.
import { AerPlatform, FIRMWARE_REGISTERS } from '@pci-recovery/aer';
import { simulate } from '@pci-recovery/aer/sim';
import { createEngine, KernelPolicy, parseBdf, systemClock } from '@pci-recovery/core';
import { AER, CORRECTABLE_ERRORS } from '@pci-recovery/pci';
import { moreIsBetter, percentile, rates } from '../rounds.mjs';
import { NO_WAITING } from './recoveries.mjs';

const RECORDS = 1_000_000;
const WARM_UPS = 2;
const ROUNDS = 7;
/** Records between two turns of the event loop: what a reader of a queue takes at a time. */
const BATCH = 500;
/** One record of that many is fatal. */
const FATAL_EVERY = 20_000;

const nic = parseBdf('01:00.0');

function registers(offset, status) {
  const bytes = new Uint8Array(FIRMWARE_REGISTERS);
  new DataView(bytes.buffer).setUint32(offset, status, true);
  return bytes;
}

/** Each of the correctable errors in turn. */
const CORRECTABLE = CORRECTABLE_ERRORS.map(({ mask }) => ({
  bdf: nic,
  severity: 'correctable',
  registers: registers(AER.COR_STATUS, mask),
}));
const FATAL = { bdf: nic, severity: 'fatal', registers: registers(AER.UNCOR_STATUS, 1 << 18) };

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
const megabytes = (bytes) => Math.round(bytes / 1e4) / 100;

function heap() {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** An engine on a machine with one device, whose driver notes how long each fatal error took to get to it. */
async function started() {
  const below = [{ kind: 'endpoint', bdf: nic }];
  const rootPorts = [{ kind: 'root_port', bdf: '00:01.0', below }];
  const hardware = simulate({ clock: systemClock, rootPorts, log: { limit: 0 } });
  const platform = new AerPlatform(hardware, systemClock, { timings: NO_WAITING });
  const engine = createEngine({ platforms: [platform], policy: new KernelPolicy({ deadlineMs: 30_000 }) });
  const enqueued = [];
  const waits = [];
  engine.attach(nic, {
    errorDetected(_, channel) {
      if (channel === 'frozen') waits.push((performance.now() - enqueued.shift()) * 1000);
      return 'disconnect';
    },
  });
  await engine.start();
  return { platform, engine, enqueued, waits };
}

async function storm({ platform, enqueued }) {
  for (let n = 0; n < RECORDS; n += BATCH) {
    for (let k = 0; k < BATCH; k++) platform.firmwareError(CORRECTABLE[k % CORRECTABLE.length]);
    if (n % FATAL_EVERY === 0) {
      enqueued.push(performance.now());
      platform.firmwareError(FATAL);
    }
    await nextTurn();
  }
}

export async function measure() {
  const machine = await started();
  const work = () => storm(machine);
  for (let round = 0; round < WARM_UPS; round++) await work();
  machine.waits.length = 0;
  const before = heap();
  const found = moreIsBetter(await rates({ count: RECORDS, work, warmUps: 0, rounds: ROUNDS }));
  const after = heap();
  await machine.engine.close();
  const lost = (WARM_UPS + ROUNDS) * RECORDS - machine.platform.counters.of(nic).totals.correctable;
  if (lost !== 0) throw new Error(`${lost} records were lost.`);
  const { waits } = machine;
  const p99 = percentile(waits, 0.99);
  const conditions = {
    'records a round': RECORDS,
    'records between two turns of the event loop': BATCH,
    'each decoded from': `${FIRMWARE_REGISTERS} bytes`,
    'fatal records among them': waits.length,
  };
  return [
    {
      name: 'correctable records decoded and counted',
      unit: 'per second',
      target: { atLeast: 1_000_000 },
      conditions: { ...conditions, 'heap before, MB': megabytes(before), 'heap after, MB': megabytes(after) },
      ...found,
    },
    {
      name: 'fatal record enqueued → errorDetected entered, p99',
      unit: 'µs',
      target: { atMost: 1000 },
      conditions: {
        ...conditions,
        'p50, µs': Math.round(percentile(waits, 0.5)),
        'worst, µs': Math.round(Math.max(...waits)),
      },
      best: p99,
      median: p99,
      rounds: [p99],
    },
  ];
}

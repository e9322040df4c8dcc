// A storm of corrected errors with fatal ones among them: rate, memory, and how long a fatal one waits for its driver.
import { AerPlatform, FIRMWARE_REGISTERS } from '@pci-recovery/aer';
import { simulate } from '@pci-recovery/aer/sim';
import { createEngine, KernelPolicy, parseBdf, systemClock } from '@pci-recovery/core';
import { AER } from '@pci-recovery/pci';
import { percentile } from '../rounds.mjs';
import { NO_WAITING } from './recoveries.mjs';

const RECORDS = 3_000_000;
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

const CORRECTABLE = { bdf: nic, severity: 'correctable', registers: registers(AER.COR_STATUS, 1 << 6) };
const FATAL = { bdf: nic, severity: 'fatal', registers: registers(AER.UNCOR_STATUS, 1 << 18) };

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
const megabytes = (bytes) => Math.round(bytes / 1e4) / 100;

function heap() {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

export async function measure() {
  const below = [{ kind: 'endpoint', bdf: nic }];
  const hardware = simulate({
    clock: systemClock,
    rootPorts: [{ kind: 'root_port', bdf: '00:01.0', below }],
    log: { limit: 0 },
  });
  const platform = new AerPlatform(hardware, systemClock, { timings: NO_WAITING });
  const engine = createEngine({ platforms: [platform], policy: new KernelPolicy({ deadlineMs: 30_000 }) });
  const waits = [];
  const enqueued = [];
  engine.attach(nic, {
    errorDetected(_, channel) {
      if (channel === 'frozen') waits.push((performance.now() - enqueued.shift()) * 1000);
      return 'disconnect';
    },
  });
  await engine.start();
  const before = heap();
  let counted = 0;
  const begin = performance.now();
  for (let n = 0; n < RECORDS; n += BATCH) {
    for (let k = 0; k < BATCH; k++) platform.firmwareError(CORRECTABLE);
    counted += BATCH;
    if (n % FATAL_EVERY === 0) {
      enqueued.push(performance.now());
      platform.firmwareError(FATAL);
    }
    await nextTurn();
  }
  const seconds = (performance.now() - begin) / 1000;
  await engine.close();
  const after = heap();
  const total = platform.counters.of(nic).totals.correctable;
  if (total !== counted) throw new Error(`${counted - total} records were lost.`);
  const conditions = {
    records: RECORDS,
    'records a turn': BATCH,
    fatal: waits.length,
    'each decoded from': `${FIRMWARE_REGISTERS} bytes`,
  };
  return [
    {
      name: 'correctable records decoded and counted',
      unit: 'per second',
      target: { atLeast: 1_000_000 },
      conditions: { ...conditions, 'heap growth, MB': megabytes(after - before) },
      best: counted / seconds,
      median: counted / seconds,
      rounds: [counted / seconds],
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
      best: percentile(waits, 0.99),
      median: percentile(waits, 0.99),
      rounds: [percentile(waits, 0.99)],
    },
  ];
}

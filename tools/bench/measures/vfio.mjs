// The native binding beside plain C in the same run: calls, the way from a signalled eventfd to its handler, ten thousand
// watched eventfds, and configuration space read and decoded. C and JavaScript take turns, so that a busy machine troubles
// both: a ratio is the median of those of neighbouring rounds.
import { decodeFunction } from '@pci-recovery/pci';
import { parseLspciDump } from '@pci-recovery/pci/lspci';
import { nativeAvailability, nativeSyscalls } from '@pci-recovery/vfio';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile } from '../native/compile.mjs';
import { lessIsBetter, median, moreIsBetter, percentile, rates, timed } from '../rounds.mjs';

const DUMP = fileURLToPath(new URL('../../../examples/config-dumps/fatal-malformed-tlp.txt', import.meta.url));
const FIONREAD = process.arch === 'ppc64' ? 0x4004667f : 0x541b;
const ONE = new Uint8Array(BigUint64Array.of(1n).buffer);
const CONFIG_BYTES = 4096;
const CALLS = 400_000;
const SIGNALS = 4_000;
const ROUNDS = 9;
const WATCHES = 10_000;
const DECODES = 20_000;

const kernel = nativeAvailability() === true ? nativeSyscalls() : undefined;

/** A result that is no errno. */
function done(result) {
  if (result < 0) throw new Error(`A call failed with errno ${-result}.`);
  return result;
}

/** Rounds of C and of ours by turns, after one of each that does not count. */
async function byTurns(theirs, ours) {
  const rounds = { theirs: [], ours: [] };
  for (let round = -1; round < ROUNDS; round++) {
    globalThis.gc?.();
    const c = await theirs();
    const js = await ours();
    if (round >= 0) (rounds.theirs.push(c), rounds.ours.push(js));
  }
  return rounds;
}

/** One result: our figures, C's, and how many times as long ours take. */
function beside({ theirs, ours }) {
  const ratio = median(ours.map((value, round) => value / theirs[round]));
  const bestRatio = Math.min(...ours) / Math.min(...theirs);
  return { ...lessIsBetter(ours), c: lessIsBetter(theirs), ratio, bestRatio };
}

/** Nanoseconds of one `call`, in C and here. */
async function calls(program, cArguments, call) {
  const inC = () => Number(execFileSync(program, cArguments, { encoding: 'utf8' }));
  const here = async () => {
    const seconds = await timed(() => {
      for (let n = 0; n < CALLS; n++) call();
    });
    return (seconds / CALLS) * 1e9;
  };
  return beside(await byTurns(inC, here));
}

async function ioctl(program) {
  const [left, right] = kernel.socketPair();
  const memory = new Uint8Array(4);
  const found = await calls(program, ['ioctl', `${CALLS}`], () => done(kernel.ioctl(left, FIONREAD, memory)));
  for (const fd of [left, right]) kernel.close(fd);
  const conditions = { request: 'FIONREAD of a unix socket', 'calls a round': CALLS };
  return { name: 'ioctl through the binding', unit: 'ns', target: { ratioAtMost: 2 }, conditions, ...found };
}

async function pread(program, file) {
  const fd = done(kernel.open(file, 0));
  const memory = new Uint8Array(CONFIG_BYTES);
  const found = await calls(program, ['pread', `${CALLS}`, file], () => done(kernel.pread(fd, memory, 0n)));
  kernel.close(fd);
  const conditions = { bytes: CONFIG_BYTES, file: 'in the page cache', 'calls a round': CALLS };
  return { name: 'pread through the binding', unit: 'ns', conditions, ...found };
}

async function preadAndDecode(file) {
  const fd = done(kernel.open(file, 0));
  const memory = new Uint8Array(CONFIG_BYTES);
  let sink = 0;
  const work = () => {
    for (let n = 0; n < DECODES; n++) {
      done(kernel.pread(fd, memory, 0n));
      sink += decodeFunction(memory).aer.registers.uncorrectableStatus;
    }
  };
  const found = moreIsBetter(await rates({ count: DECODES, work }));
  kernel.close(fd);
  if (!(sink > 0)) throw new Error('Nothing was decoded.');
  const conditions = { bytes: CONFIG_BYTES, decoded: 'all registers of a function with AER, PCIe and MSI-X' };
  return { name: 'pread and decode configuration space', unit: 'functions per second', conditions, ...found };
}

/** Both programs share the eventfds and the file with the time of the signal. */
function runLatency(program, mode, { wake, answer, file }) {
  return spawn(program, [mode, `${SIGNALS}`, file], { stdio: ['ignore', 'pipe', 'inherit', wake, answer] });
}

async function output(child) {
  let text = '';
  child.stdout.on('data', (data) => (text += data));
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`The C program ended with ${status}.`);
  return text;
}

async function latenciesInC(program, shared) {
  const handler = output(runLatency(program, 'handle', shared));
  await output(runLatency(program, 'signal', shared));
  return (await handler).trim().split('\n').map(Number);
}

async function latenciesHere(program, shared) {
  const { wake, answer, stamp } = shared;
  const latencies = [];
  const watch = kernel.watch(
    wake,
    () => {
      latencies.push(Number(process.hrtime.bigint() - stamp[0]));
      kernel.takeEventfd(wake);
      kernel.write(answer, ONE);
    },
    done,
  );
  await output(runLatency(program, 'signal', shared));
  watch[Symbol.dispose]();
  return latencies;
}

/** Latencies of all rounds in microseconds, at one share of each. */
const at = (share, { theirs, ours }) => {
  const pick = (rounds) => rounds.map((latencies) => percentile(latencies, share) / 1000);
  return beside({ theirs: pick(theirs), ours: pick(ours) });
};

async function latency(program, folder) {
  const file = join(folder, 'stamp');
  writeFileSync(file, new Uint8Array(4096));
  const fd = done(kernel.open(file, 2));
  const mapping = kernel.mmap(fd, 4096, 1, 0n);
  const shared = {
    wake: kernel.eventfd(0),
    answer: kernel.eventfd(0),
    file,
    stamp: new BigUint64Array(mapping.memory),
  };
  const rounds = await byTurns(
    () => latenciesInC(program, shared),
    () => latenciesHere(program, shared),
  );
  kernel.munmap(mapping.memory);
  for (const used of [fd, shared.wake, shared.answer]) kernel.close(used);
  const common = {
    unit: 'µs',
    conditions: { 'signals a round': SIGNALS, 'handler in C': 'an epoll loop', 'signalled by': 'another process' },
  };
  return [
    { name: 'eventfd to handler, p50', ...common, target: { ratioAtMost: 3 }, ...at(0.5, rounds) },
    { name: 'eventfd to handler, p99', ...common, target: { ratioAtMost: 4 }, ...at(0.99, rounds) },
  ];
}

const threads = () => readdirSync('/proc/self/task').length;

/** As many eventfds as wanted, or as the limit of open files leaves. */
function openEventfds() {
  const fds = [];
  for (let fd = kernel.eventfd(0); fd >= 0; fd = kernel.eventfd(0)) {
    fds.push(fd);
    if (fds.length === WATCHES) break;
  }
  // Some must be left for the rest of the process.
  if (fds.length < WATCHES) for (const fd of fds.splice(-64)) kernel.close(fd);
  return fds;
}

async function manyWatches() {
  const fds = openEventfds();
  const before = { threads: threads(), rss: process.memoryUsage().rss };
  let left = 0;
  let finish;
  const watches = fds.map((fd) => kernel.watch(fd, () => (kernel.takeEventfd(fd), --left === 0 && finish()), done));
  const work = () =>
    new Promise((resolve) => {
      left = fds.length;
      finish = resolve;
      for (const fd of fds) kernel.write(fd, ONE);
    });
  const found = moreIsBetter(await rates({ count: fds.length, work }));
  const conditions = {
    'eventfds, all signalled at once': fds.length,
    'threads added': threads() - before.threads,
    'bytes of memory each': Math.round((process.memoryUsage().rss - before.rss) / fds.length),
  };
  for (const watch of watches) watch[Symbol.dispose]();
  for (const fd of fds) kernel.close(fd);
  return { name: 'watched eventfds', unit: 'handled per second, signalling included', conditions, ...found };
}

/** Both programs in `folder`; undefined where there is no compiler, or no addon to be measured. */
function programs(folder) {
  try {
    nativeSyscalls();
    return { calls: compile('calls', folder), latency: compile('latency', folder) };
  } catch (error) {
    console.error(`vfio: not run: ${error.message}`);
    return undefined;
  }
}

export async function measure() {
  const folder = mkdtempSync(join(tmpdir(), 'bench-vfio-'));
  try {
    const file = join(folder, 'config');
    const rich = parseLspciDump(readFileSync(DUMP)).devices.find(
      ({ bytes }) => bytes.length === CONFIG_BYTES && decodeFunction(bytes).aer?.registers.uncorrectableStatus,
    );
    writeFileSync(file, rich.bytes);
    const inC = programs(folder);
    if (!inC) return [];
    return [
      await ioctl(inC.calls),
      await pread(inC.calls, file),
      await preadAndDecode(file),
      ...(await latency(inC.latency, folder)),
      await manyWatches(),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

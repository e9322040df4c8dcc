// Workers come and go with watches, mappings and calls in threads under way, ended in every way there is.
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { kernel, watched } from './addon.mjs';

const WAYS = [
  'terminated',
  'terminated-at-once',
  'terminated-while-called',
  'exits',
  'exits-in-callback',
  'ends',
  'throws',
];
const ROUNDS = 6;
const WATCHES = 50;

async function parent() {
  const ended = {};
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(
      WAYS.map(async (way) => {
        const worker = new Worker(new URL(import.meta.url), { workerData: way });
        const exited = new Promise((resolve) => worker.once('exit', resolve));
        worker.on('error', (error) => (ended[error.message] = (ended[error.message] ?? 0) + 1));
        if (way === 'terminated-at-once') void worker.terminate();
        else if (way.startsWith('terminated')) {
          await once(worker, 'message');
          void worker.terminate();
        }
        await exited;
        ended[way] = (ended[way] ?? 0) + 1;
      }),
    );
  }
  console.log(JSON.stringify(ended));
}

/** Calls that are still running, or waiting for a thread, when the worker ends. */
function callInThreads() {
  const zero = kernel.open('/dev/zero', 0);
  for (let n = 0; n < 8; n++) void kernel.preadAsync(zero, new Uint8Array(1 << 24), 0n);
  void kernel.preadAsync(zero, new Uint8Array(kernel.mmap(-1, 1 << 20, 3, 0n).memory), 0n);
}

function child(way) {
  let calls = 0;
  const all = [];
  const onReadable = (fd) => {
    calls++;
    if (way === 'terminated-while-called') {
      parentPort.postMessage('called');
      for (;;);
    }
    if (way === 'exits-in-callback' && calls > 10) process.exit(0);
    if (way === 'throws' && calls > 10) throw new Error('thrown in a worker');
    if (calls % 3 === 0) kernel.takeEventfd(fd);
    if (way === 'ends') for (const { end } of all) end();
  };
  for (let n = 0; n < WATCHES; n++) all.push(watched(onReadable, n % 2));
  globalThis.mapping = kernel.mmap(-1, 1 << 16, 3, 0n);
  callInThreads();
  if (way === 'terminated') setImmediate(() => parentPort.postMessage('watching'));
  if (way === 'exits') setImmediate(() => process.exit(0));
}

if (isMainThread) await parent();
else child(workerData);

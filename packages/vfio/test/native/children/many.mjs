// Ten thousand eventfds, or as many as the limit of open files allows: all are watched, all are heard, no thread is added.
import { readdirSync, readFileSync } from 'node:fs';
import { kernel, ONE, watched } from './addon.mjs';

const WANTED = 10_000;
const SPARE = 100;
const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Infinity);
const count = Math.min(WANTED, limit - SPARE);
const threads = () => readdirSync('/proc/self/task').length;

const before = threads();
const heard = new Set();
const all = Array.from({ length: count }, () =>
  watched((fd) => {
    kernel.takeEventfd(fd);
    heard.add(fd);
    if (heard.size === count) finish();
  }),
);

function finish() {
  const during = threads();
  for (const { end } of all) end();
  setImmediate(() => {
    for (const { fd } of all) kernel.close(fd);
    console.log(JSON.stringify({ count, heard: heard.size, threadsAdded: during - before }));
  });
}
setImmediate(() => {
  for (const { fd } of all) kernel.write(fd, ONE);
});

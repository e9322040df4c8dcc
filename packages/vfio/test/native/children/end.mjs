// Nothing but watches keeps the process alive; when the last one ends, it does.
import { kernel, watched } from './addon.mjs';

let left = 10;
const all = Array.from({ length: left }, (_, n) =>
  watched((fd) => {
    kernel.takeEventfd(fd);
    all[n].end();
    if (--left === 0) console.log('all ended');
  }, 1),
);

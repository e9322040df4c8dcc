// The process exits with watches alive: at once, from a callback, or from a callback whose watch ends with it.
import { kernel, watched } from './addon.mjs';

const how = process.argv[2];
for (let n = 0; n < 100; n++) watched((fd) => kernel.takeEventfd(fd), n % 2);
if (how === 'at-once') process.exit(7);
const mine = watched(() => {
  if (how === 'ended') mine.end();
  process.exit(7);
}, 1);

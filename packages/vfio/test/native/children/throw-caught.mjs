// A callback throws, and so does what it left for later; the process knows how to go on, and so does the watch.
import { kernel, ONE, watched } from './addon.mjs';

const caught = [];
process.on('uncaughtException', (error) => {
  caught.push(error.message);
  if (caught.length === 6) {
    mine.end();
    console.log(caught.join(' '));
  } else kernel.write(mine.fd, ONE);
});
const mine = watched((fd) => {
  kernel.takeEventfd(fd);
  const message = `thrown-${caught.length}`;
  if (caught.length % 3 === 0) throw new Error(message);
  const later = () => {
    throw new Error(message);
  };
  if (caught.length % 3 === 1) process.nextTick(later);
  else queueMicrotask(later);
}, 1);

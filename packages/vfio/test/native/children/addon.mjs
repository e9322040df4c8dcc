// The addon as it is, without TypeScript in front: a watch is the function that ends it.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export const kernel = createRequire(import.meta.url)('node-gyp-build')(
  fileURLToPath(new URL('../../..', import.meta.url)),
);
export const ONE = new Uint8Array(BigUint64Array.of(1n).buffer);

export const fail = (errno) => {
  throw new Error(`A watch failed: ${errno}`);
};

/** An eventfd that is watched. */
export function watched(onReadable, initial = 0) {
  const fd = kernel.eventfd(initial);
  return { fd, end: kernel.watch(fd, () => onReadable(fd), fail) };
}

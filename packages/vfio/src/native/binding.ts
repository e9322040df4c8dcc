import { type Syscalls } from '../seam/syscalls.js';

/** What the addon exports: the calls of {@link Syscalls} by the same names; a watch comes as the function that ends it. */
export interface NativeBinding extends Omit<Syscalls, 'watch'> {
  watch(fd: number, onReadable: () => void, onFailure: (errno: number) => void): (() => void) | number;
}

/** The seam on top of the addon. */
export function syscallsOf(binding: NativeBinding): Syscalls {
  return {
    ...binding,
    watch(fd, onReadable, onFailure) {
      const end = binding.watch(fd, onReadable, onFailure);
      return typeof end === 'number' ? end : { [Symbol.dispose]: end };
    },
  };
}

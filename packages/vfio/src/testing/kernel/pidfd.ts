import { type KernelFile } from './open-file.js';

/** A descriptor of a process. */
export class PidFd implements KernelFile {
  readonly kind = 'pidfd';
  readonly name = 'anon_inode:[pidfd]';

  constructor(readonly pid: number) {}

  release(): void {
    // A process is not held by those who look at it.
  }
}

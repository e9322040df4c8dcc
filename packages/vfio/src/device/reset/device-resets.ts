import { type Bdf, type Clock } from '@pci-recovery/core';
import { type HotResetScope } from '@pci-recovery/core/linux';
import { type SyscallResult } from '../../seam/syscalls.js';
import { hotReset, type HotResetInfo, hotResetInfo } from '../../uapi/hot-reset.js';
import { deviceReset } from '../../uapi/reset.js';
import { borrowAll, type KernelFile } from '../kernel-file.js';
import { type VfioOwnership } from '../ownership.js';
import { accepted, type Meanings } from '../../seam/refused-call.js';
import { hotResetMeanings, provenGroups, proof, refuseUnlessOwned, scopeOf, withoutScope } from './hot-reset.js';
import { type RetryTimings, untilFree } from './retry.js';

/** What resets of a device need. */
export interface DeviceResetsParts {
  readonly bdf: Bdf;
  readonly file: KernelFile;
  readonly ownership: VfioOwnership;
  readonly clock: Clock;
  readonly timings?: RetryTimings;
}

const RESET_MEANINGS: Meanings = {
  EINVAL: {
    code: 'ERR_PCI_UNSUPPORTED',
    advice:
      'the function had no reset method when it was opened. A hot reset may work; on s390, remove it and rescan to get the method back.',
    context: { reason: 'no_reset_method' },
  },
  ENOTTY: {
    code: 'ERR_PCI_UNSUPPORTED',
    advice: 'no reset method works for the function now (see reset_method in sysfs). A hot reset may work.',
    context: { reason: 'no_reset_method' },
  },
};

/** The two resets that a holder can ask for: of the function, and of the slot or bus with everybody on it. */
export class DeviceResets {
  readonly #parts: DeviceResetsParts;

  constructor(parts: DeviceResetsParts) {
    this.#parts = parts;
  }

  /** VFIO_DEVICE_RESET once: 0, or the negative errno. Blocks: 0.5 ms on s390, 0.1 s where a link goes down. */
  resetNow(): SyscallResult {
    return this.#parts.file.ioctl(deviceReset.request, deviceReset.argument);
  }

  /**
   * VFIO_DEVICE_RESET, in a thread, tried again while the kernel answers EAGAIN, with pauses of 1, 2, 4 … 64 ms.
   * @throws PciRecoveryError `ERR_PCI_UNSUPPORTED` (EINVAL, ENOTTY; `reason` in the context), `ERR_PCI_DEADLINE`,
   * `ERR_PCI_ABORTED`, `ERR_PCI_CLOSED`, and what else the kernel refused
   */
  async reset(signal: AbortSignal): Promise<void> {
    const { file, clock, timings } = this.#parts;
    const { request, argument } = deviceReset;
    const make = (): Promise<SyscallResult> => file.ioctlAsync(request, argument);
    const attempt = { call: request, again: ['EAGAIN'], context: file.context, make };
    accepted(request, await untilFree(attempt, { clock, signal, ...timings }), file.context, RESET_MEANINGS);
  }

  /** VFIO_DEVICE_GET_PCI_HOT_RESET_INFO. The buffer grows (ENOSPC) with the functions that there are. */
  info(): Promise<HotResetInfo> {
    return this.#parts.file.askAsync(hotResetInfo.query());
  }

  /** What a hot reset would touch now. What the kernel does not offer is an absent capability, not an error. */
  async scope(): Promise<HotResetScope> {
    return this.#scopeFrom(() => this.info());
  }

  /** The same at once: the call can wait for another hot reset below the same port. */
  scopeNow(): HotResetScope {
    try {
      return scopeOf(this.#parts.file.ask(hotResetInfo.query()), this.#parts.ownership);
    } catch (error) {
      return withoutScope(error);
    }
  }

  /**
   * VFIO_DEVICE_PCI_HOT_RESET, in a thread, tried again while the kernel answers EAGAIN or EBUSY. The affected functions are
   * read anew, and nothing is asked of the kernel unless all of them are owned.
   * @throws PciRecoveryError `ERR_PCI_NOT_OWNED` naming who is in the way; and as {@link reset}
   */
  async hotReset(signal: AbortSignal): Promise<void> {
    const { bdf, file, ownership, clock, timings } = this.#parts;
    const info = await this.info();
    const scope = scopeOf(info, ownership);
    refuseUnlessOwned(bdf, scope);
    const make = (): Promise<SyscallResult> =>
      borrowAll(provenGroups(info, ownership), (fds) => file.ioctlAsync(hotReset.request, proof(info, fds)));
    const attempt = { call: hotReset.request, again: ['EAGAIN', 'EBUSY'], context: file.context, make };
    const result = await untilFree(attempt, { clock, signal, ...timings });
    accepted(hotReset.request, result, file.context, hotResetMeanings(scope.members));
  }

  /** The same once and at once: 0, or the negative errno. Throws when not everything is owned. */
  hotResetNow(): SyscallResult {
    const { bdf, file, ownership } = this.#parts;
    const info = file.ask(hotResetInfo.query());
    refuseUnlessOwned(bdf, scopeOf(info, ownership));
    const fds = provenGroups(info, ownership).map(({ raw }) => raw);
    return file.ioctl(hotReset.request, proof(info, fds));
  }

  async #scopeFrom(ask: () => Promise<HotResetInfo>): Promise<HotResetScope> {
    try {
      return scopeOf(await ask(), this.#parts.ownership);
    } catch (error) {
      return withoutScope(error);
    }
  }
}

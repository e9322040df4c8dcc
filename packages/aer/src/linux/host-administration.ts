import { abortedError, PciRecoveryError, type Bdf, type Stoppable } from '@pci-recovery/core';
import { type SysfsPort } from '@pci-recovery/core/linux';
import { type SeenFunctions } from './seen-function.js';
import { untilAborted } from './until-aborted.js';

/**
 * What an administrator can do to functions that somebody else drives, through sysfs. Each is refused, with a reason, where it could not
 * end well; what the kernel refuses is thrown as the port throws it.
 *
 * Source: Linux 7.3 drivers/pci/pci-sysfs.c:reset_store, reset_method_show, remove_store, dev_rescan_store; drivers/pci/pci.c:
 * __pci_reset_function_locked, pci_parent_bus_reset (a bus with others on it is not reset).
 */
export class HostAdministration {
  readonly #sysfs: SysfsPort;
  readonly #functions: SeenFunctions;
  readonly #isRecovered: (bdf: Bdf) => boolean;

  /** @param isRecovered the host recovers the function now. */
  constructor(sysfs: SysfsPort, functions: SeenFunctions, isRecovered: (bdf: Bdf) => boolean) {
    this.#sysfs = sysfs;
    this.#functions = functions;
    this.#isRecovered = isRecovered;
  }

  /**
   * Has the kernel reset one function by the first of its methods that works. Its driver is told (reset_prepare, reset_done).
   * @returns the methods, in the order in which the kernel tries them.
   * @throws PciRecoveryError `ERR_PCI_NOT_PRESENT`; `ERR_PCI_BUSY` (temporary) while the host recovers it; `ERR_PCI_NO_RESET` when it has no
   * method; `ERR_PCI_NO_ANSWER` when it does not answer before (R2.9) or after; `ERR_PCI_ABORTED` before anything was done.
   */
  async reset(bdf: Bdf, { signal }: Stoppable): Promise<readonly string[]> {
    await this.#refuse(bdf, 'reset', signal);
    const methods = ((await this.#sysfs.read(bdf, 'reset_method')) ?? '').split(/\s+/).filter(Boolean);
    if (methods.length === 0) throw noReset(bdf);
    if (!(await this.#functions.answers(bdf))) throw inaccessible(bdf, methods);
    await this.#refuse(bdf, 'reset', signal);
    await this.#sysfs.write(bdf, 'reset', '1');
    if (!(await this.#functions.answers(bdf))) throw stillSilent(bdf);
    return methods;
  }

  /**
   * Takes a function out of the machine, as if it was unplugged. Waits until its driver, or whoever holds it through VFIO, has let go.
   * @throws PciRecoveryError as {@link reset}, but a function that does not answer can be removed. `ERR_PCI_ABORTED` when nobody waits any
   * more: what the kernel has begun goes on.
   */
  async remove(bdf: Bdf, { signal }: Stoppable): Promise<void> {
    await this.#refuse(bdf, 'removal', signal);
    await untilAborted(Promise.resolve(this.#sysfs.write(bdf, 'remove', '1')), signal, () => {
      throw abortedError(signal, `The removal of ${bdf}`);
    });
  }

  /**
   * Looks for functions that are new on the bus of a function and below it: for a bridge, what was removed from below it.
   * @throws PciRecoveryError as {@link reset}.
   */
  async rescan(bdf: Bdf, { signal }: Stoppable): Promise<void> {
    await this.#refuse(bdf, 'rescan', signal);
    await this.#sysfs.write(bdf, 'rescan', '1');
  }

  async #refuse(bdf: Bdf, what: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw abortedError(signal, `The ${what} of ${bdf}`);
    if (!(await this.#sysfs.devices()).includes(bdf)) throw notPresent(bdf);
    if (this.#isRecovered(bdf)) throw recovering(bdf, what);
  }
}

const notPresent = (bdf: Bdf): PciRecoveryError =>
  new PciRecoveryError('ERR_PCI_NOT_PRESENT', `There is no function ${bdf}.`, { context: { bdf } });

const recovering = (bdf: Bdf, what: string): PciRecoveryError =>
  new PciRecoveryError('ERR_PCI_BUSY', `The host recovers ${bdf} from an error: no ${what} until it has ended.`, {
    permanence: 'temporary',
    context: { bdf },
  });

const noReset = (bdf: Bdf): PciRecoveryError =>
  new PciRecoveryError(
    'ERR_PCI_NO_RESET',
    `The kernel has no way to reset ${bdf} alone, or somebody switched all of them off (reset_method is empty).`,
    { context: { bdf } },
  );

const inaccessible = (bdf: Bdf, methods: readonly string[]): PciRecoveryError =>
  new PciRecoveryError(
    'ERR_PCI_NO_ANSWER',
    `${bdf} does not answer, so a function-level reset cannot reach it: remove it and have its bridge rescanned, or reset its bus.`,
    { context: { bdf, methods } },
  );

const stillSilent = (bdf: Bdf): PciRecoveryError =>
  new PciRecoveryError('ERR_PCI_NO_ANSWER', `${bdf} was reset and does not answer.`, { context: { bdf } });

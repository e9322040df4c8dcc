import { type Bdf, type Capability, compareBdf, describeError, PciRecoveryError } from '@pci-recovery/core';
import { errnoNumber } from '../../seam/errno.js';
import { EEH_PE_OP, eehPe, type EehInjection, type EehPeOperation } from '../../uapi/eeh-pe.js';
import { borrowAll } from '../kernel-file.js';
import { type VfioContainer } from '../open/container.js';
import { type VfioDevice } from '../vfio-device.js';

/** What a PE is made of. */
export interface EehPeParts {
  /** Holds one group only. */
  readonly container: VfioContainer;
  /** All functions of the group that are held. */
  readonly devices: readonly VfioDevice[];
  /** Those that are virtual: a reset of their PE is a reset of them alone. */
  readonly virtualFunctions?: ReadonlySet<Bdf>;
  /** A function of it takes a fundamental reset, as after an update of its firmware (R4.4). Default: no. */
  readonly needsFundamentalReset?: boolean;
}

const NAMES = new Map<number, EehPeOperation>(
  Object.entries(EEH_PE_OP).map(([name, number]) => [number, name as EehPeOperation]),
);

const failed = (name: string): number => -errnoNumber(name)!;

/** The request's bytes; undefined for what the kernel would answer with EINVAL. */
function encode(operation: number, injection: EehInjection | undefined): Uint8Array | undefined {
  const name = NAMES.get(operation);
  if (name === undefined) return undefined;
  if (name !== 'injectError') return eehPe.encodeRequest(name);
  try {
    return injection && eehPe.encodeInjection(injection);
  } catch {
    return undefined;
  }
}

/**
 * A PowerPC PE that is held through VFIO: an IOMMU group in a container of its own (R4.5, R4.8, R4.11). {@link openEehPe} opens
 * one. It is an `OwnedPe` of the EEH backend.
 *
 * What the kernel does (drivers/vfio/vfio_iommu_spapr_tce.c, arch/powerpc/kernel/eeh.c):
 * - VFIO_EEH_PE_OP acts on the groups of the container one after the other and **stops at the first answer that is not 0**, a
 *   state too: so there is one group only.
 * - **The ERR eventfd never fires for EEH**: the state is to be asked for, now and then, and after reads of all ones.
 * - **Asking for the state marks a frozen PE as isolated** at the host, whose own detection then passes it over: right for who
 *   drives the PE, wrong for who only looks.
 * - ENABLE on a frozen PE thaws it. So do opening its first function and closing its last one.
 * - The state is 5 (unavailable) also while the host recovers what is above, and while only MMIO is frozen.
 * - A reset is asserted until RESET_DEACTIVATE, and takes about 5 s, in a thread of node's pool.
 */
export class EehPe implements AsyncDisposable {
  /** `group 3`. */
  readonly name: string;
  /** In address order. */
  readonly functions: readonly Bdf[];
  readonly devices: readonly VfioDevice[];
  readonly needsFundamentalReset: boolean;
  readonly #container: VfioContainer;
  readonly #virtual: ReadonlySet<Bdf>;

  /** @throws PciRecoveryError `ERR_PCI_ONE_GROUP_PER_CONTAINER`; `ERR_PCI_UNSUPPORTED` where EEH is off */
  constructor({ container, devices, virtualFunctions = new Set(), needsFundamentalReset = false }: EehPeParts) {
    const [group, ...others] = container.groups;
    if (group === undefined || others.length > 0) throw oneGroupOnly(container);
    if (!container.has('eeh')) throw eehIsOff(group.id);
    this.name = `group ${group.id}`;
    this.devices = [...devices].sort((a, b) => compareBdf(a.bdf, b.bdf));
    this.functions = this.devices.map(({ bdf }) => bdf);
    this.needsFundamentalReset = needsFundamentalReset;
    this.#container = container;
    this.#virtual = virtualFunctions;
  }

  /**
   * Whether a reset of the PE reaches held functions only (R4.9): read anew each time, from what a hot reset of each function
   * would touch. A physical function and virtual functions in other PEs are reset together, so all must have one owner. What
   * the kernel cannot tell is not allowed.
   */
  get resetAllowed(): Capability {
    for (const device of this.devices) {
      const allowed = this.#reachesOnlyOurs(device);
      if (allowed !== true) return allowed;
    }
    return true;
  }

  /**
   * VFIO_EEH_PE_OP, in a thread. Never throws: unknown operations, and injections that cannot be, are −EINVAL; after the
   * close it is −EBADF.
   * @param operation 0–9: `EEH_PE_OP`
   * @returns 0, a state for GET_STATE, or a negative errno: −ENODEV when the group has no PE, or EEH is off
   */
  async operate(operation: number, injection?: EehInjection): Promise<number> {
    const argument = encode(operation, injection);
    if (argument === undefined) return failed('EINVAL');
    try {
      // The devices hold the group, and with it what the operation acts on: they are not closed under it.
      const files = this.devices.map(({ file }) => file);
      return await borrowAll(files, () => this.#container.file.ioctlAsync(eehPe.request, argument));
    } catch {
      return failed('EBADF');
    }
  }

  /** Closes its devices, and with the last one its group and container. Idempotent. */
  async close(): Promise<void> {
    const ends = await Promise.allSettled(this.devices.map((device) => device.close()));
    const bad = ends.find(({ status }) => status === 'rejected');
    if (bad?.status === 'rejected') throw bad.reason;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #reachesOnlyOurs(device: VfioDevice): Capability {
    try {
      const { allowed, members } = device.resets.scopeNow();
      // No hot reset: a virtual function has none, and its PE is reset by a function-level reset.
      return members.length === 0 && this.#virtual.has(device.bdf) ? true : allowed;
    } catch (error) {
      return { absent: `whom a reset of ${device.bdf} would touch cannot be told: ${describeError(error)}` };
    }
  }
}

function oneGroupOnly(container: VfioContainer): PciRecoveryError {
  const groups = container.groups.map(({ id }) => id);
  return new PciRecoveryError(
    'ERR_PCI_ONE_GROUP_PER_CONTAINER',
    `EEH calls act on every group of a container, and this one has ${groups.length} (${groups.join(', ')}): give each PE a container of its own.`,
    { context: { groups } },
  );
}

const eehIsOff = (group: number): PciRecoveryError =>
  new PciRecoveryError(
    'ERR_PCI_UNSUPPORTED',
    `Group ${group} has no EEH: it takes a PowerPC host with EEH switched on (/proc/powerpc/eeh) and a SPAPR TCE container.`,
    { context: { group } },
  );

import { type Bdf, type Capability, isPciRecoveryError, PciRecoveryError, type Plain } from '@pci-recovery/core';
import { type HotResetMember, type HotResetScope } from '@pci-recovery/core/linux';
import { type AffectedFunction, hotReset, type HotResetInfo } from '../../uapi/hot-reset.js';
import { type KernelFile } from '../kernel-file.js';
import { type Meanings } from '../../seam/refused-call.js';
import { type VfioOwnership } from '../ownership.js';

const isOwned = (fn: AffectedFunction, ownership: VfioOwnership): boolean =>
  fn.mode === 'cdev' ? fn.owned !== 'not' : ownership.group(fn.group) !== undefined;

/** A function that is not owned, with what would own it. */
const named = (fn: AffectedFunction): string => (fn.mode === 'group' ? `${fn.bdf} (group ${fn.group})` : fn.bdf);

function allowed(info: HotResetInfo, ownership: VfioOwnership): Capability {
  const missing = info.functions.filter((fn) => !isOwned(fn, ownership));
  if (missing.length === 0) return true;
  return { absent: `a hot reset would touch functions that are not held: ${missing.map(named).join(', ')}` };
}

/** What the kernel's answer says, with who owns what (R4.1, R4.2). In cdev mode the kernel itself knows. */
export function scopeOf(info: HotResetInfo, ownership: VfioOwnership): HotResetScope {
  const members = info.functions.map((fn): HotResetMember => ({ bdf: fn.bdf, owned: isOwned(fn, ownership) }));
  return { members, allowed: allowed(info, ownership) };
}

/** Refuses before the kernel does, who would answer EINVAL without saying whom it misses. */
export function refuseUnlessOwned(bdf: Bdf, scope: HotResetScope): void {
  if (scope.allowed === true) return;
  const missing = scope.members.filter(({ owned }) => !owned).map((member) => member.bdf);
  throw new PciRecoveryError(
    'ERR_PCI_NOT_OWNED',
    `${bdf} is not hot-reset: ${scope.allowed.absent}. Bind them to vfio-pci and hold them too.`,
    { context: { bdf, missing, errno: 'EINVAL' } },
  );
}

/**
 * The groups whose descriptors prove that everything is owned; none in cdev mode.
 * @throws PciRecoveryError `ERR_PCI_NOT_OWNED` when one is held no more: it was given up between two tries
 */
export function provenGroups({ functions }: HotResetInfo, ownership: VfioOwnership): readonly KernelFile[] {
  const ids = new Set(functions.flatMap((fn) => (fn.mode === 'group' ? [fn.group] : [])));
  return [...ids].map((id) => {
    const group = ownership.group(id);
    if (group !== undefined) return group.file;
    const message = `A hot reset would touch group ${id}, which is held no more: keep its devices open until the reset is done.`;
    throw new PciRecoveryError('ERR_PCI_NOT_OWNED', message, { context: { group: id, errno: 'EINVAL' } });
  });
}

/** The argument as the device's mode wants it: group descriptors, or a list of length zero. */
export const proof = ({ mode }: HotResetInfo, groupFds: readonly number[]): Uint8Array =>
  mode === 'cdev' ? hotReset.byDeviceIds() : hotReset.byGroups(groupFds);

const NO_SCOPE: Readonly<Record<string, string>> = {
  ENODEV: 'the kernel offers no hot reset here: neither the slot nor the bus can be reset',
  ENOTTY: 'this device takes no hot reset',
  EPERM: 'a function on the bus is in no IOMMU group',
};

/** What the kernel does not offer is no error: nothing is touched, and nothing is allowed. Other errors are thrown on. */
export function withoutScope(error: unknown): HotResetScope {
  const errno = isPciRecoveryError(error) ? error.context.errno : undefined;
  const absent = typeof errno === 'string' ? NO_SCOPE[errno] : undefined;
  if (absent === undefined) throw error;
  return { members: [], allowed: { absent } };
}

/** What VFIO_DEVICE_PCI_HOT_RESET's errnos mean, when all groups were proven to be owned. */
export const hotResetMeanings = (members: readonly HotResetMember[]): Meanings => {
  const touched: Plain = members.map(({ bdf }) => bdf);
  const all = members.map(({ bdf }) => bdf).join(', ');
  return {
    EINVAL: {
      code: 'ERR_PCI_NOT_OWNED',
      advice: `the kernel does not see all of ${all} as owned: bind each of them to vfio-pci, also those that nobody uses.`,
      context: { touched },
    },
    ENODEV: {
      code: 'ERR_PCI_UNSUPPORTED',
      advice: 'neither the slot nor the bus of the device can be reset.',
      context: { reason: 'no_hot_reset' },
    },
    ENOTTY: {
      code: 'ERR_PCI_UNSUPPORTED',
      advice: 'the port above the device could not carry the reset out; the kernel log says why.',
      context: { reason: 'reset_failed' },
    },
  };
};

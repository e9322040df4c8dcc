import { parseBdf, PciRecoveryError, type Bdf } from '@pci-recovery/core';
import { proof, refuseUnlessOwned, scopeOf, withoutScope } from '../../src/device/reset/hot-reset.js';
import { OwnedFd, VfioGroup, VfioOwnership } from '../../src/index.js';
import { type AffectedFunction, hotReset, type HotResetInfo } from '../../src/uapi/hot-reset.js';
import { failure } from '../uapi/failure.js';
import { CannedKernel } from './canned-kernel.js';

const [A, B, C] = ['0000:01:00.0', '0000:01:00.1', '0000:02:00.0'].map(parseBdf) as [Bdf, Bdf, Bdf];

const inGroup = (bdf: Bdf, group: number): AffectedFunction => ({ bdf, mode: 'group', group });
const byGroup = (...functions: AffectedFunction[]): HotResetInfo => ({ mode: 'group', functions });

/** What holds these groups; and gives them back. */
function holding(...groups: number[]) {
  const { syscalls } = new CannedKernel();
  const ownership = new VfioOwnership();
  const held = groups.map((id) => new VfioGroup(syscalls, new OwnedFd(syscalls, 100 + id, `group ${id}`), id));
  held.forEach((group) => ownership.addGroup(group));
  return { ownership, close: () => Promise.all(held.map((group) => group.close())) };
}

describe('whom a hot reset touches (R4.1, R4.2, R4.3)', () => {
  it.each([
    ['is smaller than the group', [7], [inGroup(A, 7)], true],
    ['is the group', [7], [inGroup(A, 7), inGroup(B, 7)], true],
    ['spans groups that are all held', [7, 8], [inGroup(A, 7), inGroup(C, 8)], true],
    ['spans a group that is not held', [7], [inGroup(A, 7), inGroup(C, 8)], `${C} (group 8)`],
    ['is held by nobody', [], [inGroup(A, 7), inGroup(C, 8)], `${A} (group 7), ${C} (group 8)`],
  ] as const)('%s', async (_, groups, functions, expected) => {
    const { ownership, close } = holding(...groups);
    const { allowed, members } = scopeOf(byGroup(...functions), ownership);
    expect(members.map(({ bdf }) => bdf)).toEqual(functions.map(({ bdf }) => bdf));
    expect(allowed).toEqual(
      expected === true ? true : { absent: `a hot reset would touch functions that are not held: ${expected}` },
    );
    await close();
  });

  it('is what the kernel says, in cdev mode', () => {
    const functions: AffectedFunction[] = [
      { bdf: A, mode: 'cdev', owned: 'id', devid: 1 },
      { bdf: B, mode: 'cdev', owned: 'group' },
      { bdf: C, mode: 'cdev', owned: 'not' },
    ];
    const info: HotResetInfo = { mode: 'cdev', owned: false, functions };
    expect(scopeOf(info, new VfioOwnership())).toEqual({
      members: [
        { bdf: A, owned: true },
        { bdf: B, owned: true },
        { bdf: C, owned: false },
      ],
      allowed: { absent: `a hot reset would touch functions that are not held: ${C}` },
    });
  });

  it('is refused with the names of who is missing', () => {
    const scope = scopeOf(byGroup(inGroup(A, 7), inGroup(C, 8)), new VfioOwnership());
    expect(failure(() => refuseUnlessOwned(A, scope))).toMatchObject({
      code: 'ERR_PCI_NOT_OWNED',
      context: { bdf: A, missing: [A, C], errno: 'EINVAL' },
    });
  });

  it.each(['ENODEV', 'ENOTTY', 'EPERM'])('is nobody where the kernel offers none: %s', (errno) => {
    const scope = withoutScope(new PciRecoveryError('ERR_PCI_SYSCALL', 'no', { context: { errno } }));
    expect(scope).toEqual({ members: [], allowed: { absent: expect.any(String) as string } });
  });

  it.each(['EIO', 'EFAULT', 'ENOMEM'])('cannot be told after another failure: %s', (errno) => {
    const error = new PciRecoveryError('ERR_PCI_SYSCALL', 'no', { context: { errno } });
    expect(failure(() => withoutScope(error))).toBe(error);
  });

  it('is proven by one descriptor per group, or by an empty list in cdev mode', () => {
    expect(proof(byGroup(inGroup(A, 7)), [5])).toEqual(hotReset.byGroups([5]));
    expect(proof({ mode: 'cdev', owned: true, functions: [] }, [])).toEqual(hotReset.byDeviceIds());
  });
});

describe('what is held', () => {
  it('is noted until it is let go of, each as often as it was', () => {
    const ownership = new VfioOwnership();
    const [first, second] = [ownership.addDevice(A), ownership.addDevice(A)];
    ownership.addDevice(C);
    expect(ownership.devices).toEqual([A, C]);
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    expect(ownership.holds(A)).toBe(true);
    second[Symbol.dispose]();
    expect([ownership.holds(A), ownership.devices]).toEqual([false, [C]]);
  });

  it('is the later of two groups with one number', async () => {
    const { syscalls } = new CannedKernel();
    const ownership = new VfioOwnership();
    const group = (fd: number) => new VfioGroup(syscalls, new OwnedFd(syscalls, fd, `group of ${fd}`), 7);
    const [early, late] = [group(201), group(202)];
    const held = ownership.addGroup(early);
    const later = ownership.addGroup(late);
    held[Symbol.dispose]();
    expect([ownership.group(7), ownership.groups]).toEqual([late, [7]]);
    later[Symbol.dispose]();
    expect(ownership.group(7)).toBeUndefined();
    await Promise.all([early.close(), late.close()]);
  });
});

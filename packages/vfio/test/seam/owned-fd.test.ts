import { jest } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openDescriptors } from '../../src/seam/open-descriptors.js';
import { OwnedFd } from '../../src/seam/owned-fd.js';
import { type SyscallResult, type Syscalls } from '../../src/seam/syscalls.js';
import { thrown } from './thrown.js';

/** The two calls that owning needs; what was closed is noted. */
function scripted(answers: { open?: SyscallResult; close?: SyscallResult } = {}) {
  const closed: number[] = [];
  const syscalls = {
    open: () => answers.open ?? 3,
    closeAsync: (fd: number) => {
      closed.push(fd);
      return Promise.resolve(answers.close ?? 0);
    },
  } as Partial<Syscalls> as Syscalls;
  return { syscalls, closed };
}

const mine = (prefix: string) => openDescriptors().filter(({ what }) => what.startsWith(prefix));

describe('OwnedFd', () => {
  it('lends its descriptor until it is closed', async () => {
    const { syscalls, closed } = scripted();
    const owner = new OwnedFd(syscalls, 5, 'eventfd');
    expect([owner.raw, owner.what, owner.closed]).toEqual([5, 'eventfd', false]);
    await owner.close();
    expect([owner.closed, closed]).toEqual([true, [5]]);
    expect(thrown(() => owner.raw)).toMatchObject({
      code: 'ERR_PCI_CLOSED',
      message: 'eventfd is closed: open it again to use it.',
    });
  });

  it('lends nothing from the moment that closing begins', () => {
    const owner = new OwnedFd(scripted().syscalls, 5, 'eventfd');
    void owner.close();
    expect(thrown(() => owner.raw)).toMatchObject({ code: 'ERR_PCI_CLOSED' });
  });

  it('closes once, however often and in whatever way it is asked', async () => {
    const { syscalls, closed } = scripted();
    {
      await using owner = new OwnedFd(syscalls, 5, 'eventfd');
      await Promise.all([owner.close(), owner.close(), owner[Symbol.asyncDispose]()]);
    }
    expect(closed).toEqual([5]);
  });

  it('tells every caller that closing failed, and is closed nevertheless, as the kernel has it', async () => {
    const { syscalls, closed } = scripted({ close: -5 });
    const owner = new OwnedFd(syscalls, 5, 'eventfd');
    await expect(owner.close()).rejects.toMatchObject({
      code: 'ERR_PCI_SYSCALL',
      context: { errno: 'EIO', call: 'close' },
    });
    await expect(owner.close()).rejects.toMatchObject({ code: 'ERR_PCI_SYSCALL' });
    expect([closed, owner.closed, mine('eventfd')]).toEqual([[5], true, []]);
  });

  it('lets go without closing: the number is somebody else’s now', async () => {
    const { syscalls, closed } = scripted();
    const owner = new OwnedFd(syscalls, 5, 'eventfd');
    expect(owner.release()).toBe(5);
    expect(thrown(() => owner.release())).toMatchObject({ code: 'ERR_PCI_CLOSED' });
    await owner.close();
    expect([closed, owner.closed]).toEqual([[], true]);
  });

  it('takes over what a call answered, or throws its errno', async () => {
    const { syscalls } = scripted();
    const owner = OwnedFd.of(syscalls, 'VFIO_GROUP_GET_DEVICE_FD', 9, { what: 'device 0000:01:00.0' });
    expect([owner.raw, owner.what]).toEqual([9, 'device 0000:01:00.0']);
    await owner.close();
    expect(thrown(() => OwnedFd.of(syscalls, 'VFIO_GROUP_GET_DEVICE_FD', -19, { what: 'device' }))).toMatchObject({
      code: 'ERR_PCI_NOT_PRESENT',
    });
    expect(() => OwnedFd.open(scripted({ open: -13 }).syscalls, '/dev/vfio/1', 0)).toThrow('open of /dev/vfio/1');
    await OwnedFd.open(syscalls, '/dev/vfio/1', 0).close();
  });
});

describe('descriptors that were not closed', () => {
  it('are listed until they are closed or let go', async () => {
    const { syscalls } = scripted();
    const [first, second] = [new OwnedFd(syscalls, 5, 'listed a'), new OwnedFd(syscalls, 6, 'listed b')];
    expect(mine('listed')).toEqual([
      { fd: 5, what: 'listed a' },
      { fd: 6, what: 'listed b' },
    ]);
    await first.close();
    second.release();
    expect(mine('listed')).toEqual([]);
  });

  it('are found when their owner was lost: a warning names them', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const lose = (): void => void new OwnedFd(scripted().syscalls, 4711, 'a lost device');
    const keep = new OwnedFd(scripted().syscalls, 4712, 'a kept device');
    lose();
    for (let turn = 0; turn < 50 && warn.mock.calls.length === 0; turn++) {
      collect();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(warn.mock.calls).toEqual([
      [
        'Descriptor 4711 (a lost device) was lost without being closed: call close() on its owner.',
        { type: 'PciRecoveryWarning', code: 'PCI_RECOVERY_LOST_DESCRIPTOR' },
      ],
    ]);
    warn.mockRestore();
    expect(mine('a kept')).toHaveLength(1);
    await keep.close();
  });
});

import { systemClock } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import fc from 'fast-check';
import { spawn } from 'node:child_process';
import { getEventListeners, once } from 'node:events';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import {
  bdfOfFdinfo,
  duplicateOf,
  findVfioDescriptors,
  HostDirectory,
  receiveDescriptor,
  sendDescriptor,
} from '../../src/host/index.js';
import {
  errnoNumber,
  nativeAvailability,
  nativeSyscalls,
  openDescriptors,
  OwnedFd,
  type Syscalls,
} from '../../src/index.js';
import { newDirectory, removeTrees } from './fixtures.js';
import { thrownBy } from './fake-kernel.js';

afterAll(removeTrees);
afterEach(() => {
  expect(openDescriptors()).toEqual([]);
});

const built = nativeAvailability();
const native = built === true ? describe : describe.skip;
const why = built === true ? '' : ` (not run: the native addon is not built: ${built.absent.slice(0, 60)})`;

native(`descriptors that travel${why}`, () => {
  const clock = systemClock;
  function pair(): [OwnedFd, OwnedFd] {
    const made = nativeSyscalls().socketPair();
    if (typeof made === 'number') throw new Error(`socketpair: ${made}`);
    return [new OwnedFd(nativeSyscalls(), made[0], 'one end'), new OwnedFd(nativeSyscalls(), made[1], 'other end')];
  }
  const eventfd = (count: number): OwnedFd =>
    new OwnedFd(nativeSyscalls(), nativeSyscalls().eventfd(count), 'eventfd of the test');

  it('arrive as duplicates of the same thing, with what was said about them', async () => {
    const [one, other] = pair();
    const original = eventfd(7);
    const receiving = receiveDescriptor(nativeSyscalls(), other, { clock });
    sendDescriptor(nativeSyscalls(), one, original, new TextEncoder().encode('for you'));
    const { fd, message } = await receiving;
    expect(new TextDecoder().decode(message)).toBe('for you');
    expect(fd.raw).not.toBe(original.raw);
    expect(nativeSyscalls().takeEventfd(fd.raw)).toBe(7n);
    expect(nativeSyscalls().takeEventfd(original.raw)).toBe(BigInt(-errnoNumber('EAGAIN')!));
    await Promise.all([one, other, original, fd].map((each) => each.close()));
  });

  it('are all closed when there are several', async () => {
    const [one, other] = pair();
    const original = eventfd(0);
    nativeSyscalls().send(one.raw, new Uint8Array(1), [original.raw, original.raw]);
    const receiving = receiveDescriptor(nativeSyscalls(), other, { clock });
    await expect(receiving).rejects.toMatchObject({ code: 'ERR_PCI_BAD_MESSAGE', context: { descriptors: 2 } });
    await Promise.all([one, other, original].map((each) => each.close()));
  });

  it('are closed when what is said about them is too long', async () => {
    const [one, other] = pair();
    const original = eventfd(0);
    sendDescriptor(nativeSyscalls(), one, original, new Uint8Array(100));
    const receiving = receiveDescriptor(nativeSyscalls(), other, { clock, longest: 10 });
    await expect(receiving).rejects.toMatchObject({ code: 'ERR_PCI_BAD_MESSAGE' });
    await Promise.all([one, other, original].map((each) => each.close()));
  });

  it('are missed when a message comes without one, and when the other side leaves', async () => {
    const [one, other] = pair();
    nativeSyscalls().send(one.raw, new Uint8Array(1), []);
    const refusal = { code: 'ERR_PCI_BAD_MESSAGE', context: { descriptors: 0 } };
    await expect(receiveDescriptor(nativeSyscalls(), other, { clock })).rejects.toMatchObject(refusal);
    const receiving = receiveDescriptor(nativeSyscalls(), other, { clock });
    await one.close();
    await expect(receiving).rejects.toMatchObject(refusal);
    await other.close();
  });

  it('are waited for so long, and no longer', async () => {
    const [one, other] = pair();
    const virtual = new VirtualClock();
    const late = receiveDescriptor(nativeSyscalls(), other, { clock: virtual, within: 3000 });
    const outcome = expect(late).rejects.toMatchObject({ code: 'ERR_PCI_DEADLINE', permanence: 'temporary' });
    virtual.advance(3000);
    await outcome;
    expect(virtual.pending).toBe(0);
    // The socket is not watched any more: it can be waited for again.
    const abort = new AbortController();
    const again = receiveDescriptor(nativeSyscalls(), other, { clock: virtual, signal: abort.signal });
    abort.abort();
    await expect(again).rejects.toMatchObject({ code: 'ERR_PCI_ABORTED' });
    const never = receiveDescriptor(nativeSyscalls(), other, { clock: virtual, signal: abort.signal });
    await expect(never).rejects.toMatchObject({ code: 'ERR_PCI_ABORTED' });
    expect(virtual.pending).toBe(0);
    await Promise.all([one, other].map((each) => each.close()));
  });

  it('are waited for by one at a time: the other is refused, and leaves nothing behind on its signal', async () => {
    const [one, other] = pair();
    const { signal } = new AbortController();
    const first = receiveDescriptor(nativeSyscalls(), other, { clock, signal });
    const second = receiveDescriptor(nativeSyscalls(), other, { clock, signal });
    await expect(second).rejects.toMatchObject({ context: { call: 'watch', errno: 'EEXIST' } });
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    sendDescriptor(nativeSyscalls(), one, other);
    await (await first).fd.close();
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    await Promise.all([one, other].map((each) => each.close()));
  });

  it('do not travel without a byte', async () => {
    const [one, other] = pair();
    const error = thrownBy(() => sendDescriptor(nativeSyscalls(), one, other, new Uint8Array(0)));
    expect(error).toMatchObject({ code: 'ERR_PCI_BAD_MESSAGE' });
    await Promise.all([one, other].map((each) => each.close()));
  });

  it('are duplicated from another process', async () => {
    const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
    await once(child, 'spawn');
    const duplicate = await duplicateOf(nativeSyscalls(), child.pid!, 1);
    expect(nativeSyscalls().write(duplicate.raw, new Uint8Array(3))).toBe(3);
    await duplicate.close();
    const absent = { code: 'ERR_PCI_BAD_DESCRIPTOR', context: { pid: child.pid!, errno: 'EBADF' } };
    await expect(duplicateOf(nativeSyscalls(), child.pid!, 999)).rejects.toMatchObject(absent);
    child.stdin.end();
    await once(child, 'close');
    const gone = { code: 'ERR_PCI_NOT_PRESENT', context: { errno: 'ESRCH' } };
    await expect(duplicateOf(nativeSyscalls(), child.pid!, 1)).rejects.toMatchObject(gone);
  });
});

describe('duplicating from a process that may not be traced', () => {
  it('says which right is missing, and closes what it opened', async () => {
    const closed: number[] = [];
    const syscalls = {
      pidfdOpen: () => 50,
      pidfdGetfd: () => -errnoNumber('EPERM')!,
      closeAsync: async (fd: number) => (closed.push(fd), 0),
    } as unknown as Syscalls;
    const refusal = { code: 'ERR_PCI_PERMISSION', message: expect.stringMatching(/CAP_SYS_PTRACE/) as unknown };
    await expect(duplicateOf(syscalls, 1, 2)).rejects.toMatchObject(refusal);
    expect(closed).toEqual([50]);
  });
});

describe('sending over a socket that is full', () => {
  it('can be tried again later', () => {
    const syscalls = { send: () => -errnoNumber('EAGAIN')! } as unknown as Syscalls;
    const borrowed = { raw: 3, what: 'socket' } as OwnedFd;
    const error = thrownBy(() => sendDescriptor(syscalls, borrowed, borrowed));
    expect(error).toMatchObject({ code: 'ERR_PCI_BUSY', permanence: 'temporary' });
  });

  it('is refused when only part of the message went', () => {
    const syscalls = { send: () => 1 } as unknown as Syscalls;
    const borrowed = { raw: 3, what: 'socket' } as OwnedFd;
    const error = thrownBy(() => sendDescriptor(syscalls, borrowed, borrowed, new Uint8Array(2)));
    expect(error).toMatchObject({ code: 'ERR_PCI_BAD_MESSAGE' });
  });
});

describe('descriptors of VFIO in another process', () => {
  async function processWith(links: Readonly<Record<string, string>>, fdinfo: Readonly<Record<string, string>> = {}) {
    const root = await newDirectory();
    await mkdir(`${root}/42/fd`, { recursive: true });
    await mkdir(`${root}/42/fdinfo`);
    for (const [fd, link] of Object.entries(links)) await symlink(link, `${root}/42/fd/${fd}`);
    for (const [fd, text] of Object.entries(fdinfo)) await writeFile(`${root}/42/fdinfo/${fd}`, text);
    return new HostDirectory(root);
  }

  it('are found by their links, and devices by their fdinfo', async () => {
    const syspath = 'pos:\t0\nflags:\t02\nvfio-device-syspath: /sys/devices/pci0000:00/0000:00:06.0/0000:01:00.0\n';
    const proc = await processWith(
      {
        3: 'socket:[4711]',
        10: '/dev/vfio/vfio',
        9: '/dev/vfio/6',
        20: 'anon_inode:[vfio-device]',
        21: '/dev/vfio/devices/vfio3',
        22: 'anon_inode:[vfio-device]',
        23: 'anon_inode:[eventfd]',
        24: '/dev/iommu',
        25: '/dev/vfio/noiommu-0',
      },
      { 20: syspath, 21: 'pos:\t0\n' },
    );
    expect(await findVfioDescriptors(42, proc)).toEqual([
      { fd: 9, kind: 'group', group: 6 },
      { fd: 10, kind: 'container' },
      { fd: 20, kind: 'device', bdf: '0000:01:00.0', name: undefined },
      { fd: 21, kind: 'device', bdf: undefined, name: 'vfio3' },
      { fd: 22, kind: 'device', bdf: undefined, name: undefined },
      { fd: 24, kind: 'iommufd' },
    ]);
  });

  it.each([
    ['vfio-device-syspath: /sys/devices/platform/serial', undefined],
    ['vfio-device-syspath: /sys/devices/pci0000:00/0000:00:1f.7\n', '0000:00:1f.7'],
    ['vfio-device-syspath:', undefined],
    ['', undefined],
  ])('are no PCI function unless the path %j ends with one', (fdinfo, bdf) => {
    expect(bdfOfFdinfo(fdinfo)).toBe(bdf);
  });

  it('are read from any fdinfo without throwing', () => {
    fc.assert(fc.property(fc.string(), (text) => void bdfOfFdinfo(`vfio-device-syspath: /${text}`)));
  });

  it.each([43, 0, -1, 1.5, NaN])('are refused of the process %p that is not there', async (pid) => {
    const finding = findVfioDescriptors(pid, await processWith({}));
    await expect(finding).rejects.toMatchObject({ code: 'ERR_PCI_NOT_PRESENT' });
  });

  it('are none of this process', async () => {
    expect(await findVfioDescriptors(process.pid)).toEqual([]);
  });
});

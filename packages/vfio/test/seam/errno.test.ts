import { spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { errnoTable } from '../../src/seam/errno-names.js';
import { errnoName, errnoNumber, failedWith, succeeded, syscallError } from '../../src/seam/errno.js';
import { thrown } from './thrown.js';

/** Compilers by node's name of the architecture. */
const COMPILERS: readonly (readonly [arch: string, compiler: string])[] = [
  ['x64', 'x86_64-linux-gnu-gcc'],
  ['arm64', 'aarch64-linux-gnu-gcc'],
  ['s390x', 's390x-linux-gnu-gcc'],
  ['ppc64', 'powerpc64le-linux-gnu-gcc'],
];

/** Every errno that <errno.h> of an architecture defines; undefined where there is no compiler for it. */
function headerNumbers(compiler: string): Map<string, number> | undefined {
  const { status, stdout } = spawnSync(compiler, ['-E', '-dM', '-x', 'c', '-'], {
    input: '#include <errno.h>\n',
    encoding: 'utf8',
  });
  if (status !== 0) return undefined;
  const defined = new Map(
    [...stdout.matchAll(/^#define (E[A-Z0-9]+) (\w+)$/gm)].map(([, name, value]) => [name!, value!]),
  );
  const resolve = (value: string): number => (/^\d+$/.test(value) ? Number(value) : resolve(defined.get(value) ?? 'x'));
  return new Map([...defined].map(([name, value]) => [name, resolve(value)]));
}

describe('errno names', () => {
  for (const [arch, compiler] of COMPILERS) {
    const header = headerNumbers(compiler);
    if (!header) {
      it.skip(`not run for ${arch}: there is no ${compiler}`, () => undefined);
      continue;
    }
    it(`are those of the C headers of ${arch}, all of them and no others`, () => {
      const ours = new Map([...errnoTable(arch).numbers].filter(([, number]) => number < 512));
      expect([...ours].sort()).toEqual([...header].sort());
    });
  }

  it('name the same number alike as node does', () => {
    for (const [name, number] of Object.entries(constants.errno)) expect(errnoNumber(name)).toBe(number);
  });

  it('are found by the number and by the negative result of a call', () => {
    expect([errnoName(11), errnoName(-11), errnoName(-25)]).toEqual(['EAGAIN', 'EAGAIN', 'ENOTTY']);
  });

  it('differ on PowerPC: EDEADLOCK is a number of its own', () => {
    expect([errnoName(58, 'ppc64'), errnoNumber('EDEADLOCK', 'ppc64')]).toEqual(['EDEADLOCK', 58]);
    expect([errnoName(58, 's390x'), errnoNumber('EDEADLOCK', 's390x')]).toEqual(['errno 58', 35]);
    expect([errnoName(35, 'ppc64'), errnoName(35, 'x64')]).toEqual(['EDEADLK', 'EDEADLK']);
  });

  it('know what drivers let out of the kernel by mistake', () => {
    expect([errnoName(-524), errnoName(-512), errnoName(-515), errnoName(-517)]).toEqual([
      'ENOTSUPP',
      'ERESTARTSYS',
      'ENOIOCTLCMD',
      'EPROBE_DEFER',
    ]);
  });

  it('tell a number that has none', () => {
    expect([errnoName(4711), errnoName(-41)]).toEqual(['errno 4711', 'errno 41']);
    expect(errnoNumber('ENOSUCHTHING')).toBeUndefined();
  });

  it('answer whether a result is just this errno', () => {
    expect([failedWith(-11, 'EAGAIN'), failedWith(11, 'EAGAIN'), failedWith(-12, 'EAGAIN')]).toEqual([
      true,
      false,
      false,
    ]);
    expect([failedWith(0, 'ENOSUCHTHING'), failedWith(-1, 'ENOSUCHTHING')]).toEqual([false, false]);
  });
});

describe('syscallError', () => {
  const of = (name: string) => syscallError('VFIO_DEVICE_RESET', -(errnoNumber(name) ?? 0));

  it.each([
    ['EACCES', 'ERR_PCI_PERMISSION', 'permanent'],
    ['EPERM', 'ERR_PCI_PERMISSION', 'permanent'],
    ['EBUSY', 'ERR_PCI_BUSY', 'temporary'],
    ['EAGAIN', 'ERR_PCI_BUSY', 'temporary'],
    ['EINTR', 'ERR_PCI_SYSCALL', 'temporary'],
    ['ENOENT', 'ERR_PCI_NOT_PRESENT', 'permanent'],
    ['ENODEV', 'ERR_PCI_NOT_PRESENT', 'permanent'],
    ['ENXIO', 'ERR_PCI_NOT_PRESENT', 'permanent'],
    ['ESRCH', 'ERR_PCI_NOT_PRESENT', 'permanent'],
    ['ENOTTY', 'ERR_PCI_UNSUPPORTED', 'permanent'],
    ['EOPNOTSUPP', 'ERR_PCI_UNSUPPORTED', 'permanent'],
    ['ENOTSUPP', 'ERR_PCI_UNSUPPORTED', 'permanent'],
    ['ENOSYS', 'ERR_PCI_UNSUPPORTED', 'permanent'],
    ['EMFILE', 'ERR_PCI_LIMIT', 'permanent'],
    ['ENFILE', 'ERR_PCI_LIMIT', 'permanent'],
    ['ENOMEM', 'ERR_PCI_LIMIT', 'permanent'],
    ['EBADF', 'ERR_PCI_BAD_DESCRIPTOR', 'permanent'],
    ['EIO', 'ERR_PCI_SYSCALL', 'permanent'],
    ['EFAULT', 'ERR_PCI_SYSCALL', 'permanent'],
    ['EINVAL', 'ERR_PCI_SYSCALL', 'permanent'],
    ['ENOSPC', 'ERR_PCI_SYSCALL', 'permanent'],
    ['EXDEV', 'ERR_PCI_SYSCALL', 'permanent'],
  ])('makes of %s the code %s, %s', (errno, code, permanence) => {
    expect(of(errno)).toMatchObject({ code, permanence, context: { errno, call: 'VFIO_DEVICE_RESET' } });
  });

  it('says in a sentence what failed, how, and what to do', () => {
    expect(syscallError('open', -13, { path: '/dev/vfio/7' }).message).toBe(
      'open of /dev/vfio/7 failed with EACCES: this user may not: run as one that may, or change the rights of what is opened.',
    );
  });

  it('has a sentence for every errno, and for numbers that are none', () => {
    for (const number of [...errnoTable(process.arch).names.keys(), 4711]) {
      expect(syscallError('ioctl', -number).message).toMatch(/^ioctl failed with (E\w+|errno \d+): .+\.$/);
    }
  });

  it('keeps the context that it is given', () => {
    expect(syscallError('open', -2, { path: '/x', bdf: '0000:01:00.0' }).context).toEqual({
      path: '/x',
      bdf: '0000:01:00.0',
      call: 'open',
      errno: 'ENOENT',
    });
  });

  it('is thrown by succeeded, which passes on every result that is none', () => {
    expect([succeeded('read', 0), succeeded('read', 17)]).toEqual([0, 17]);
    expect(thrown(() => succeeded('read', -9))).toMatchObject({ code: 'ERR_PCI_BAD_DESCRIPTOR' });
  });
});

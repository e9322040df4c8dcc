import { errnoName } from '../../src/index.js';
import { openScene, ScriptedKernel } from '../../src/testing/index.js';
import { BDF, x86 } from './programs.js';

const PLACE = { platform: 'x64', bdf: BDF, groupNumber: 7 } as const;

describe('a scene', () => {
  it('closes what it has opened when a step is refused: the next one finds the group free', () => {
    const kernel = new ScriptedKernel(x86());
    kernel.script({ call: 'ioctl', request: 'VFIO_SET_IOMMU', nth: 1, result: 'EPERM' });
    expect(() => openScene(kernel, PLACE, 'open')).toThrow('VFIO_SET_IOMMU failed with EPERM');
    expect(openScene(kernel, PLACE, 'open').device).toBeGreaterThan(0);
  });

  it('says what cannot be opened, and leaves no descriptor behind', () => {
    const kernel = new ScriptedKernel(x86());
    const next = kernel.eventfd(0);
    kernel.close(next);
    expect(() => openScene(kernel, { ...PLACE, groupNumber: 99 }, 'nodes')).toThrow(
      'open of /dev/vfio/99 failed with ENOENT',
    );
    expect(kernel.eventfd(0)).toBe(next);
  });

  it('is closed as a whole when it is disposed of: descriptors and memory', async () => {
    const kernel = new ScriptedKernel(x86());
    const { container, group, device, eventfd, memory, ...scene } = openScene(kernel, PLACE, 'told');
    await scene[Symbol.asyncDispose]();
    const closed = [container, group, device, eventfd].map((fd) => errnoName(kernel.close(fd)));
    expect(closed).toEqual(['EBADF', 'EBADF', 'EBADF', 'EBADF']);
    expect(memory.byteLength).toBe(0);
  });
});

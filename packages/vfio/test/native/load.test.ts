import { tmpdir } from 'node:os';
import { loadNative, nativeAvailability, nativeSyscalls } from '../../src/native/load.js';
import { type NativeBinding } from '../../src/native/binding.js';
import { describeNative } from './kernel.js';
import { thrown } from '../seam/thrown.js';

const noBuild = (): NativeBinding => {
  throw new Error('No native build was found for platform=linux');
};

describe('without a binary', () => {
  it('the package can be imported', async () => {
    expect(Object.keys(await import('../../src/index.js'))).toContain('nativeSyscalls');
  });

  it('asking for the kernel gives a typed error that says why, and how to build it', () => {
    expect(thrown(() => loadNative(noBuild))).toMatchObject({
      code: 'ERR_PCI_NATIVE_UNAVAILABLE',
      permanence: 'permanent',
      context: { platform: process.platform, arch: process.arch },
      message: expect.stringMatching(
        process.platform === 'linux'
          ? /npm rebuild @pci-recovery\/vfio.*C compiler.*No native build was found/
          : /for Linux only.*No native build was found/,
      ) as unknown,
    });
  });

  it.each([undefined, null, 'text', 42])('a loader that throws %p gives the same error', (given) => {
    const load = (): NativeBinding => {
      throw given;
    };
    expect(thrown(() => loadNative(load))).toMatchObject({ code: 'ERR_PCI_NATIVE_UNAVAILABLE' });
  });
});

describe('the real loader, where there is nothing to load', () => {
  const PLACE = '@PCI_RECOVERY/VFIO_PREBUILD';
  afterEach(() => {
    delete process.env[PLACE];
  });

  it('says what node-gyp-build looked for and where', () => {
    process.env[PLACE] = tmpdir();
    expect(thrown(() => loadNative())).toMatchObject({
      code: 'ERR_PCI_NATIVE_UNAVAILABLE',
      message: expect.stringMatching(/No native build was found for platform=/) as unknown,
    });
  });
});

describeNative('with a binary', (kernel) => {
  it('the kernel is loaded once', () => {
    expect(nativeAvailability()).toBe(true);
    expect(nativeSyscalls()).toBe(nativeSyscalls());
  });

  it('every call of the seam is there', () => {
    expect(typeof kernel.watch).toBe('function');
    expect(Object.values(nativeSyscalls()).every((call) => typeof call === 'function')).toBe(true);
  });
});

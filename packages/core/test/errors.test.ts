import { isPciRecoveryError, PciRecoveryError } from '@pci-recovery/core';
import { jest } from '@jest/globals';

describe('PciRecoveryError', () => {
  const cause = new TypeError('deeper');
  const error = new PciRecoveryError('ERR_PCI_TEST', 'It was wrong at 4: do better.', {
    context: { offset: 4 },
    permanence: 'temporary',
    cause,
  });

  it('is an Error with a stable code, a sentence, plain context, and its cause', () => {
    expect(error).toBeInstanceOf(Error);
    expect({ ...error, message: error.message, cause: error.cause }).toMatchObject({
      name: 'PciRecoveryError',
      code: 'ERR_PCI_TEST',
      message: 'It was wrong at 4: do better.',
      context: { offset: 4 },
      permanence: 'temporary',
      cause,
    });
  });

  it('is permanent, without context and without cause, unless it says otherwise', () => {
    const bare = new PciRecoveryError('ERR_PCI_TEST', 'x');
    expect(bare).toMatchObject({ permanence: 'permanent', context: {} });
    expect('cause' in bare).toBe(false);
  });

  it('is recognised when another installed copy of the package made it', async () => {
    jest.resetModules();
    const copy = (await import('../src/errors/pci-recovery-error.js')) as { PciRecoveryError: typeof PciRecoveryError };
    const foreign = new copy.PciRecoveryError('ERR_PCI_TEST', 'x');
    expect(foreign instanceof PciRecoveryError).toBe(false);
    expect(isPciRecoveryError(foreign)).toBe(true);
  });

  it.each([undefined, null, 0, 'ERR_PCI_TEST', {}, { code: 'ERR_PCI_TEST' }, new Error('x'), () => error])(
    'is not mistaken for %p',
    (value) => expect(isPciRecoveryError(value)).toBe(false),
  );
});

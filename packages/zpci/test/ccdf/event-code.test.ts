import { AVAILABILITY, ERROR_CODES, errorClass, errorCode } from '../../src/index.js';

describe('the class of every PCI event code (R2.1)', () => {
  const MEASUREMENT = [0x2a, 0x2b, 0x2c];
  const PERMANENT = [0x3b, 0x40];

  it('is the kernel’s, for all 65,536 of them', () => {
    for (let pec = 0; pec <= 0xffff; pec++) {
      const expected = MEASUREMENT.includes(pec)
        ? 'measurement'
        : PERMANENT.includes(pec)
          ? 'permanent'
          : 'recoverable';
      if (errorClass(pec) !== expected) throw new Error(`0x${pec.toString(16)} is ${expected}`);
    }
  });

  it.each(ERROR_CODES.map((code) => [code.name, code] as const))('%s has one entry', (name, code) => {
    expect(errorCode(code.pec)).toBe(code);
    expect(ERROR_CODES.filter((other) => other.pec === code.pec || other.name === name)).toHaveLength(1);
  });

  it('has no name for a code that is not publicly known', () => expect(errorCode(0x1234)).toBeUndefined());

  it('knows the availability events (R2.12)', () => {
    expect(Object.values(AVAILABILITY)).toEqual([0x301, 0x302, 0x303, 0x304, 0x306, 0x308]);
  });
});

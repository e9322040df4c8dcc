import {
  OWNER_TIMINGS,
  ZPCI_KERNEL_TIMINGS,
  ZpciOwnerPlatform,
  ZpciPlatform,
  type OwnerTimings,
  type ZpciTimings,
} from '../../src/index.js';
import { codeOf, machine } from '../machine.js';

describe.each(Object.keys(OWNER_TIMINGS) as (keyof OwnerTimings)[])('%s of an owner', (name) => {
  const made = (value: number) => () =>
    new ZpciOwnerPlatform([], machine().clock, { timings: { ...OWNER_TIMINGS, [name]: value } });

  it.each([0, -1, NaN, Infinity])(
    'cannot be %d: a host that never lets go would be waited for without end',
    (value) => {
      expect(codeOf(made(value))).toBe('ERR_PCI_BAD_SETTING');
    },
  );

  it.each([0.5, 1, 1e6])('can be %d', (value) => expect(codeOf(made(value))).toBeUndefined());
});

describe.each(Object.keys(ZPCI_KERNEL_TIMINGS) as (keyof ZpciTimings)[])('%s of a host', (name) => {
  const made = (value: number) => () => {
    const { clock, hardware } = machine();
    return new ZpciPlatform(hardware, clock, { timings: { ...ZPCI_KERNEL_TIMINGS, [name]: value } });
  };
  const counts = name.endsWith('Retries');

  it.each([-1, NaN, ...(counts ? [0.5] : [Infinity])])('cannot be %d', (value) => {
    expect(codeOf(made(value))).toBe('ERR_PCI_BAD_SETTING');
  });

  it.each([0, 1, ...(counts ? [Infinity] : [0.5])])('can be %d', (value) =>
    expect(codeOf(made(value))).toBeUndefined(),
  );
});

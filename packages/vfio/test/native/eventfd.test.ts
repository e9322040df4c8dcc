import { constants } from 'node:fs';
import { count, describeNative, errnoOfBig } from './kernel.js';

const EAGAIN = 11;

describeNative('eventfd', (kernel) => {
  it.each([0, 1, 2 ** 31, 2 ** 32 - 1])('starts with %d, and is taken once', (initial) => {
    const event = kernel.event(initial);
    expect(kernel.takeEventfd(event)).toBe(initial === 0 ? -BigInt(EAGAIN) : BigInt(initial));
    expect(errnoOfBig(kernel.takeEventfd(event))).toBe('EAGAIN');
  });

  it('adds up what is written until it is taken', () => {
    const event = kernel.event();
    for (const value of [1n, 2n, 2n ** 40n]) kernel.write(event, count(value));
    expect(kernel.takeEventfd(event)).toBe(2n ** 40n + 3n);
  });

  it('counts up to 2^64 − 2, unsigned', () => {
    const event = kernel.event();
    kernel.write(event, count(2n ** 64n - 2n));
    expect(kernel.takeEventfd(event)).toBe(2n ** 64n - 2n);
  });

  it('answers errnos for what is no eventfd', () => {
    expect(errnoOfBig(kernel.takeEventfd(-1))).toBe('EBADF');
    expect(errnoOfBig(kernel.takeEventfd(kernel.owned(kernel.open('/dev/null', constants.O_RDONLY))))).toBe('EINVAL');
  });
});

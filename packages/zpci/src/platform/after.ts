import { type Awaitable } from '@pci-recovery/core';

/** Goes on with a value, at once where it is there. */
export const after = <A, B>(value: Awaitable<A>, next: (value: A) => Awaitable<B>): Awaitable<B> =>
  value instanceof Promise ? value.then(next) : next(value);

import { PciRecoveryError } from '@pci-recovery/core';
import { type RequestName } from './requests.js';

/** No reply of VFIO comes near this length, in bytes: a kernel that asks for more is not believed. */
export const MOST_REPLY_BYTES = 1 << 20;

/** How often the kernel may ask for more room before we stop following. */
export const MOST_TRIES = 8;

/**
 * A question whose answer may not fit: either the call to make now, or how it ended. Pure: whoever makes the calls says
 * what came back, and gets the next step.
 */
export type Query<T> =
  | {
      readonly do: 'ioctl';
      readonly request: RequestName;
      /** The argument; the kernel writes its reply into it. */
      readonly buffer: Uint8Array;
      /**
       * The next step.
       * @param result what ioctl(2) answered: ≥ 0, or a negative errno
       */
      answered(result: number): Query<T>;
    }
  | { readonly do: 'end'; readonly value: T }
  | { readonly do: 'fail'; /** Negative, as the kernel answered it. */ readonly errno: number };

/**
 * What a reply says: its value; the bytes that it needs, more than it was given and at most {@link MOST_REPLY_BYTES};
 * `again`, that the same should be asked once more; or that the call failed.
 */
export type Reading<T> =
  { readonly value: T } | { readonly needed: number } | { readonly again: true } | { readonly errno: number };

/** A call that is asked with growing memory. */
export interface Question<T> {
  readonly request: RequestName;
  /** A buffer of that many bytes, filled as the request wants it. */
  encode(bytes: number): Uint8Array;
  /** @param result ≥ 0, or a negative errno */
  read(buffer: Uint8Array, result: number): Reading<T>;
}

function unsettled(request: RequestName): PciRecoveryError {
  return new PciRecoveryError(
    'ERR_PCI_UNSETTLED',
    `The answer to ${request} changed ${MOST_TRIES} times while it was asked for: ask again when devices no longer come and go.`,
    { permanence: 'temporary', context: { request, tries: MOST_TRIES } },
  );
}

/**
 * Asks with `bytes` of memory, and again with as much as the kernel wants, at most {@link MOST_TRIES} times.
 * Steps throw PciRecoveryError `ERR_PCI_KERNEL_REPLY` for a reply that breaks its rules, `ERR_PCI_UNSETTLED` when the
 * needs never stop changing.
 */
export function ask<T>(question: Question<T>, bytes: number, tries = 1): Query<T> {
  if (tries > MOST_TRIES) throw unsettled(question.request);
  const buffer = question.encode(bytes);
  const answered = (result: number): Query<T> => {
    const reading = question.read(buffer, result);
    if ('value' in reading) return { do: 'end', value: reading.value };
    if ('errno' in reading) return { do: 'fail', errno: reading.errno };
    return ask(question, 'again' in reading ? bytes : reading.needed, tries + 1);
  };
  return { do: 'ioctl', request: question.request, buffer, answered };
}

import { type Plain } from '@pci-recovery/core';

/** The path among an error's context, as words that stand after the call's name. */
export const place = (context: Readonly<Record<string, Plain>>): string =>
  typeof context.path === 'string' ? ` of ${context.path}` : '';

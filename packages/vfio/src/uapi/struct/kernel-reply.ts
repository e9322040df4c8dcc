import { PciRecoveryError } from '@pci-recovery/core';

/**
 * The kernel answered what its interface rules out: nothing of the reply is used. Happens when the program and the
 * kernel disagree about the interface, or when memory was changed while the call ran.
 */
export function kernelReply(
  struct: string,
  field: string,
  value: number | bigint | string,
  rule: string,
): PciRecoveryError {
  return new PciRecoveryError(
    'ERR_PCI_KERNEL_REPLY',
    `The kernel's struct ${struct}.${field} is ${value}, but ${rule}: the reply is not used. ` +
      'Compare the kernel with the headers that this package was made for (ABI_SOURCE).',
    { context: { struct, field, value: String(value), rule } },
  );
}

/** What a field of a reply must be: `holds` says whether it is, `rule` says it in words. */
export interface ReplyRule<V> {
  readonly field: string;
  readonly rule: string;
  readonly holds: (values: V) => boolean;
}

/**
 * Holds a reply against its rules, in their order.
 * @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY` naming structure, field, value and the first rule that is broken
 */
export function checkReply<V extends object>(struct: string, values: V, rules: readonly ReplyRule<V>[]): void {
  for (const { field, rule, holds } of rules) {
    if (holds(values)) continue;
    throw kernelReply(struct, field, (values as Readonly<Record<string, number | bigint>>)[field] ?? 'missing', rule);
  }
}

import assert from 'node:assert/strict';
import { isPciRecoveryError } from '@pci-recovery/core';

/** A case that was not met: what should hold, and what was found instead. */
export class ConformanceFailure extends Error {
  override readonly name = 'ConformanceFailure';
}

/**
 * Requires that something holds.
 * @throws ConformanceFailure with `rule` when it does not.
 */
export function holds(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new ConformanceFailure(rule);
}

/**
 * Requires that two values are deeply equal.
 * @throws ConformanceFailure with `rule` and the difference when they are not.
 */
export function same(actual: unknown, expected: unknown, rule: string): void {
  try {
    assert.deepStrictEqual(actual, expected);
  } catch (error) {
    throw new ConformanceFailure(`${rule}\n${(error as Error).message}`);
  }
}

/**
 * Requires that `work` is refused with a `PciRecoveryError` whose code is one of `codes` (any, if none is given).
 * @throws ConformanceFailure when it succeeds or fails in another way.
 */
export async function refused(work: () => unknown, rule: string, ...codes: string[]): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (isPciRecoveryError(error) && (codes.length === 0 || codes.includes(error.code))) return;
    throw new ConformanceFailure(`${rule} It was refused by something else: ${String(error)}.`);
  }
  throw new ConformanceFailure(`${rule} It was not refused.`);
}

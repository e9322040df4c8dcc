/** Where ours and the kernel's part. */
export interface Difference {
  /** What was compared. */
  readonly of: string;
  /** Place of the first difference, from 1. */
  readonly position: number;
  readonly ours: string;
  readonly kernel: string;
}

/** Said where the other side says something more. */
const NOTHING = 'nothing more';

/** The first difference of two stories. */
export function firstDifference(
  of: string,
  ours: readonly string[],
  kernel: readonly string[],
): Difference | undefined {
  const length = Math.max(ours.length, kernel.length);
  const at = Array.from({ length }, (_, index) => index).find((index) => ours[index] !== kernel[index]);
  if (at === undefined) return undefined;
  return { of, position: at + 1, ours: ours[at] ?? NOTHING, kernel: kernel[at] ?? NOTHING };
}

// How a rate is measured: warm-up first, then several rounds, each long enough to outlast the timer and a few collections.

const NS_PER_S = 1e9;

/** The middle one; of an even number the mean of the middle two. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The value that `share` (0–1) of all are not above. */
export function percentile(values, share) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}

/** Seconds that one call takes. */
export async function timed(work) {
  const begin = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - begin) / NS_PER_S;
}

/**
 * Rates of `work`, which does `count` things at a call: per second, of every round, after warm-up rounds.
 * @param {{ count: number, work: () => unknown, warmUps?: number, rounds?: number }} options
 */
export async function rates({ count, work, warmUps = 3, rounds = 9 }) {
  for (let round = 0; round < warmUps; round++) await work();
  const found = [];
  for (let round = 0; round < rounds; round++) {
    globalThis.gc?.();
    found.push(count / (await timed(work)));
  }
  return found;
}

/** Best and median of rates, where more is better. */
export const moreIsBetter = (values) => ({ best: Math.max(...values), median: median(values), rounds: values });

/** Best and median of times, where less is better. */
export const lessIsBetter = (values) => ({ best: Math.min(...values), median: median(values), rounds: values });

/** Gives things back one after the other, all of them whatever fails; then throws the first failure. */
export async function inOrder(...works: readonly (() => void | Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const work of works) {
    try {
      await work();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** The same for what failed already: what then goes wrong with giving back does not hide why. */
export const giveUp = (...works: readonly (() => void | Promise<void>)[]): Promise<void> =>
  inOrder(...works).catch(() => undefined);

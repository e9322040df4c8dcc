/** Why a test stops listening. */
export class AbortError extends Error {}

/** The first `count` items. */
export async function collect<T>(stream: AsyncIterableIterator<T>, count: number): Promise<readonly T[]> {
  const items: T[] = [];
  for (let taken = 0; taken < count; taken++) {
    const next = await stream.next();
    if (next.done) break;
    items.push(next.value);
  }
  return items;
}

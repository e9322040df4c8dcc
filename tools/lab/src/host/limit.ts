/** A signal that aborts with its parent, or when its time is over. Dispose it when it is not needed any more. */
export interface Limit extends Disposable {
  readonly signal: AbortSignal;
}

/** Why a signal aborted, as a part of a sentence. */
export const reasonText = ({ reason }: AbortSignal): string =>
  reason instanceof Error ? reason.message : String(reason);

/**
 * `ms` milliseconds for something that `parent` may end before. Not AbortSignal.any with AbortSignal.timeout: node 20
 * may forget such a pair, which then never aborts.
 */
export function limit(parent: AbortSignal, ms: number, what: string): Limit {
  const controller = new AbortController();
  const follow = (): void => controller.abort(parent.reason);
  const timer = setTimeout(() => controller.abort(new Error(`${what} took longer than ${ms / 1000} s`)), ms);
  if (parent.aborted) follow();
  parent.addEventListener('abort', follow, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose](): void {
      clearTimeout(timer);
      parent.removeEventListener('abort', follow);
    },
  };
}

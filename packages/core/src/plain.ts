/** Data that survives `JSON.stringify` unchanged: what states, traces and error contexts are made of. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain | undefined };

/** A value, or a promise of it. Whoever can answer at once should: it saves the caller a turn of the event loop. */
export type Awaitable<T> = T | Promise<T>;

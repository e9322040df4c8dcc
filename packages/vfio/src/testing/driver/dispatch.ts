import { type RequestName, type RequestNumbers } from '../../uapi/requests.js';
import { type Caller } from '../kernel/open-file.js';
import { type Outcome } from '../kernel/outcome.js';

/** Answers one request: the memory that its argument names, and the argument itself where it is a number. */
export type Handler = (caller: Caller, bytes: Uint8Array | undefined, value: number) => Outcome;

/** The requests of one kind of file. */
export type Handlers = Partial<Record<RequestName, Handler>>;

/** Handlers by the request's number on an architecture. */
export function byNumber(numbers: RequestNumbers, handlers: Handlers): ReadonlyMap<number, Handler> {
  const entries = Object.entries(handlers) as [RequestName, Handler][];
  return new Map(entries.map(([name, handler]) => [numbers[name], handler]));
}

/** Answers a request, or `otherwise` for one that is not known. */
export function dispatch(
  handlers: ReadonlyMap<number, Handler>,
  caller: Caller,
  request: number,
  argument: Uint8Array | number | undefined,
  otherwise: number,
): Outcome {
  const handler = handlers.get(request);
  if (!handler) return otherwise;
  return handler(caller, caller.memory.argument(argument), typeof argument === 'number' ? argument : 0);
}

import {
  createEngine,
  type EngineOptions,
  type ErrorEvent,
  type PciErrorHandlers,
  type RecoveryEngine,
  type RecoveryPolicy,
} from '@pci-recovery/core';
import { brokenEngine, facade, type Broken } from './broken.js';

const withPolicy =
  (change: (policy: RecoveryPolicy) => Partial<RecoveryPolicy>) =>
  (options: EngineOptions): RecoveryEngine => {
    const policy = options.policy!;
    const kept: RecoveryPolicy = {
      judge: (event, scope) => policy.judge(event, scope),
      deadline: (device, callback) => policy.deadline(device, callback),
    };
    return createEngine({ ...options, policy: { ...kept, ...change(policy) } });
  };

/** Handlers whose failures nobody hears of. */
function hushed(handlers: PciErrorHandlers): PciErrorHandlers {
  const hush =
    (name: string, callback: (...given: unknown[]) => unknown) =>
    async (...given: unknown[]) => {
      try {
        const answer = await callback.apply(handlers, given);
        return name === 'resume' || answer !== 'perhaps' ? answer : 'disconnect';
      } catch {
        return 'disconnect';
      }
    };
  return Object.fromEntries(
    Object.entries(handlers as Record<string, (...given: unknown[]) => unknown>).map(([name, callback]) => [
      name,
      hush(name, callback),
    ]),
  );
}

/** Two engines that know nothing of each other, and take turns. */
function twoHeaded(options: EngineOptions): RecoveryEngine {
  const heads = [createEngine(options), createEngine({ ...options, observers: options.observers ?? [] })];
  const [first, second] = heads as [RecoveryEngine, RecoveryEngine];
  const stop = new AbortController();
  let turn = 0;
  const submit = (event: ErrorEvent): void => void heads[turn++ % 2]!.submit(event);
  const listen = async (): Promise<void> => {
    for await (const event of options.platforms[0]!.events({ signal: stop.signal })) submit(event);
  };
  const both = async (end: (head: RecoveryEngine) => Promise<void>): Promise<void> => {
    stop.abort();
    await Promise.all(heads.map(end));
  };
  return facade(first, {
    attach(bdf, handlers) {
      const attached = [first.attach(bdf, handlers), second.attach(bdf, handlers)];
      return { [Symbol.dispose]: () => attached.forEach((one) => one[Symbol.dispose]()) };
    },
    start: async () => void listen(),
    close: () => both((head) => head.close()),
    abort: (reason) => both((head) => head.abort(reason)),
  });
}

/** An engine whose observers can break its ear. */
function fragile(options: EngineOptions): RecoveryEngine {
  const inner = createEngine(options);
  const listeners: (() => void)[] = [];
  const stop = new AbortController();
  const listen = async (): Promise<void> => {
    for await (const event of options.platforms[0]!.events({ signal: stop.signal })) {
      for (const listener of listeners) listener();
      void inner.submit(event);
    }
  };
  const end = (): Promise<void> => (stop.abort(), inner.close());
  return facade(inner, {
    observe(listener) {
      listeners.push(listener as () => void);
      return { [Symbol.dispose]: () => undefined };
    },
    start: async () => void listen().catch(() => undefined),
    close: end,
  });
}

/** Correct platforms under engines that are not. */
export const BROKEN_ENGINES: readonly Broken[] = [
  brokenEngine(
    'takes two platforms of one name',
    ({ platforms, ...more }) => createEngine({ ...more, platforms: platforms.slice(0, 1) }),
    'contract.one-name-once',
  ),
  brokenEngine(
    'accepts a vote after its deadline',
    withPolicy(() => ({ deadline: () => Infinity })),
    'faults.late-vote',
  ),
  brokenEngine(
    'is twice as patient as it may be',
    withPolicy((policy) => ({ deadline: (device, callback) => 2 * policy.deadline(device, callback) })),
    'faults.deadline-is-kept',
  ),
  brokenEngine(
    'recovers corrected errors',
    withPolicy(() => ({ judge: () => ({ verdict: 'recover', why: 'It recovers everything.' }) })),
    'recorded.never-forwarded',
  ),
  brokenEngine(
    'calls a function again whose callback failed',
    (options) => {
      const inner = createEngine(options);
      return facade(inner, { attach: (bdf, handlers) => inner.attach(bdf, hushed(handlers)) });
    },
    'faults.not-called-again',
    'faults.failing-resume',
  ),
  brokenEngine(
    'holds on to drivers that leave',
    (options) => {
      const inner = createEngine(options);
      return facade(inner, {
        attach: (bdf, handlers) => (inner.attach(bdf, handlers), { [Symbol.dispose]: () => undefined }),
      });
    },
    'faults.driver-leaves',
  ),
  brokenEngine(
    'runs two recoveries of one scope at once',
    twoHeaded,
    'concurrency.one-scope-one-recovery',
    'concurrency.nested-scopes-one-recovery',
  ),
  brokenEngine(
    'has an endless queue',
    ({ mostQueued: _, ...options }) => createEngine(options),
    'storm.queue-is-bounded',
  ),
  brokenEngine(
    'does not hear a caller that gives up',
    (options) => {
      const inner = createEngine(options);
      return facade(inner, { submit: (event) => inner.submit(event) });
    },
    'cancel.one-request',
    'cancel.waiting-request',
  ),
  brokenEngine(
    'gives everything up when it is closed',
    (options) => {
      const inner = createEngine(options);
      return facade(inner, { close: () => inner.abort('It is closed.') });
    },
    'lifecycle.close-drains',
  ),
  brokenEngine(
    'takes handlers when it is closed',
    (options) => {
      const inner = createEngine(options);
      return facade(inner, {
        attach(bdf, handlers) {
          try {
            return inner.attach(bdf, handlers);
          } catch {
            return { [Symbol.dispose]: () => undefined };
          }
        },
      });
    },
    'lifecycle.closed-refuses',
  ),
  brokenEngine(
    'goes on when it is aborted',
    (options) => {
      const inner = createEngine(options);
      return facade(inner, { abort: () => inner.close() });
    },
    'lifecycle.abort-gives-up',
  ),
  brokenEngine('dies of an observer that throws', fragile, 'lifecycle.throwing-observer'),
  brokenEngine(
    'shares what is exclusive',
    (options) => facade(createEngine(options), { exclusive: async (_, work) => work() }),
    'exclusive.waits-for-recovery',
    'exclusive.recovery-waits',
    'exclusive.reentrant-refused',
  ),
];

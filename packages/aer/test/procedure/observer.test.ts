import { type OperateStep, type RecoveryScope } from '@pci-recovery/core';
import { explore, type Monitor } from '@pci-recovery/core/exploration';
import { aerObserverProcedure } from '../../src/procedure/observer.js';
import { combinations, eventOf, everything, scopeOf, TELLING_SHAPES } from './shapes.js';

type Memory = { readonly path: readonly string[] };

const violated = (rule: string, detail: unknown): never => {
  throw new Error(`${rule}: ${JSON.stringify(detail)}`);
};

const answered = ({ operation }: OperateStep, result: string): string => `${operation.name}=${result}`;

/** What must hold on every path of the observer's procedure. */
const LAW: Monitor<Memory> = {
  initial: { path: [] },
  after({ path }, step, input) {
    if (step.do !== 'operate') return violated('nobody is called', step);
    if (step.operation.nature !== 'wait') violated('nothing is changed', step);
    if (input.kind === 'stopped') return { path: [...path, answered(step, 'stopped')] };
    if (input.kind !== 'result') return violated('operations have results', input);
    return { path: [...path, answered(step, input.result.ok ? (input.result.value as string) : 'failed')] };
  },
  end({ path }, { result, usable }) {
    const wentWell = path[0] === 'follow_host=successful' || path.includes('read_status=clean');
    if (result === 'recovered' && !wentWell)
      violated('recovered only by word of the host, or without an error left', path);
    if (result === 'recovered' && !path.at(-1)?.startsWith('look=')) violated('recovered only after a look', path);
    if (result === 'recovered' && usable.length === 0) violated('recovered only when somebody answers', path);
    if (result === 'disconnected' && usable.length > 0) violated('nothing of a lost scope is usable', path);
    if (usable.some(({ bdf }) => path.at(-1)!.includes(bdf))) violated('nobody is usable who does not answer', path);
  },
};

const valuesOf = ({ members }: RecoveryScope): Readonly<Record<string, readonly string[]>> => ({
  follow_host: ['successful', 'failed', 'quiet', 'nonsense'],
  read_status: ['clean', 'marked', 'unknown', 'nonsense'],
  look: ['', ...members.map(({ bdf }) => bdf), members.map(({ bdf }) => bdf).join(' ')],
});

const exploreScope = (scope: RecoveryScope, memoise = true): string[] =>
  (['nonfatal', 'fatal'] as const).flatMap((severity) =>
    (['recover', 'give_up'] as const).flatMap((verdict) => [
      ...explore(aerObserverProcedure.begin({ event: eventOf(severity), scope, verdict }), {
        alphabet: everything(scope, valuesOf(scope)),
        monitor: LAW,
        memoise,
      }).ends,
    ]),
  );

it.each([0, 1, 2, 3])('the observer keeps its law at every state, with %d functions', (length) => {
  for (const shapes of combinations(TELLING_SHAPES, length)) exploreScope(scopeOf(shapes, {}));
});

it('and the memoised walk has the very same ends as the whole tree', () => {
  const scope = scopeOf(TELLING_SHAPES.slice(0, 2), {});
  expect(exploreScope(scope).sort()).toEqual(exploreScope(scope, false).sort());
});

it('says why', () => {
  expect([...new Set(exploreScope(scopeOf(TELLING_SHAPES.slice(0, 2), {})))].sort()).toMatchInlineSnapshot(`
    [
      "disconnected: It is not known whether anybody answers: failed.",
      "disconnected: It is not known whether anybody answers: gone.",
      "disconnected: It is not known whether anybody answers: refused.",
      "disconnected: It is not known whether anybody answers: stopped.",
      "disconnected: It is not known whether anybody answers: timeout.",
      "disconnected: It is not known whether anybody answers: unsupported.",
      "disconnected: It was given up: whoever holds the devices has to let go of them.",
      "disconnected: It was not watched to its end.",
      "disconnected: Nobody answers.",
      "disconnected: Nobody was heard to recover it, and its status cannot be read.",
      "disconnected: Nobody was heard to recover it, and its status is unknown: failed.",
      "disconnected: Nobody was heard to recover it, and its status is unknown: gone.",
      "disconnected: Nobody was heard to recover it, and its status is unknown: refused.",
      "disconnected: Nobody was heard to recover it, and its status is unknown: stopped.",
      "disconnected: Nobody was heard to recover it, and its status is unknown: timeout.",
      "disconnected: Nobody was heard to recover it, and its status is unknown: unsupported.",
      "disconnected: Nobody was heard to recover it, and the error is still there.",
      "disconnected: The end of the host's recovery is unknown.",
      "disconnected: The end of the host's recovery was not seen: failed.",
      "disconnected: The end of the host's recovery was not seen: gone.",
      "disconnected: The end of the host's recovery was not seen: refused.",
      "disconnected: The end of the host's recovery was not seen: stopped.",
      "disconnected: The end of the host's recovery was not seen: timeout.",
      "disconnected: The end of the host's recovery was not seen: unsupported.",
      "disconnected: The host gave up.",
      "recovered: Nobody was heard to recover it, but no error is left.",
      "recovered: Nobody was heard to recover it, but no error is left; 0000:01:00.0 does not answer.",
      "recovered: Nobody was heard to recover it, but no error is left; 0000:01:00.1 does not answer.",
      "recovered: The host has recovered it.",
      "recovered: The host has recovered it; 0000:01:00.0 does not answer.",
      "recovered: The host has recovered it; 0000:01:00.1 does not answer.",
    ]
  `);
});

import { refOf, type AnswerForm, type Plain, type Step } from '@pci-recovery/core';
import { drawProcedure, explore, type Alphabet, type Input } from '@pci-recovery/core/exploration';
import fc from 'fast-check';
import { linear, errorAt, ref, scopeOf, type Stage } from './scripted-platform.js';

/** A random procedure: places in order, each of which leads forward; where to depends on what came and on its state. */
interface Place {
  readonly kind: 'notify' | 'operate';
  readonly functions: number;
  readonly ways: readonly number[];
  readonly stoppable: boolean;
}
const FORMS: readonly AnswerForm[] = [
  { gave: 'vote', vote: 'can_recover' },
  { gave: 'fault', why: 'threw' },
];
const alphabet: Alphabet = {
  answers: () => FORMS,
  results: () => [{ ok: true }, { ok: false, why: 'failed' }, { ok: true, value: 1 }],
};
const places = fc.array(
  fc.record({
    kind: fc.constantFrom('notify' as const, 'operate' as const),
    functions: fc.integer({ min: 0, max: 3 }),
    ways: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
    stoppable: fc.boolean(),
  }),
  { maxLength: 5 },
);

/** At a place, with one of three states. What follows depends on these two and on what comes, on nothing else. */
function at(all: readonly Place[], index: number, state: number): Step {
  const place = all[index];
  if (!place) {
    const result = state === 0 ? 'recovered' : 'disconnected';
    return { do: 'end', at: 'end', state, result, why: `state ${state}`, usable: [] };
  }
  const go = (came: number): Step =>
    at(all, index + place.ways[(came + state) % place.ways.length]!, (state * 2 + came) % 3);
  const base = { at: `${index}`, state, ...(place.stoppable && { stopped: () => go(7) }) };
  if (place.kind === 'operate') {
    const operation = { name: `operation ${index}`, nature: 'change' } as const;
    return { ...base, do: 'operate', operation, then: (result) => go(result.ok ? (result.value === 1 ? 2 : 1) : 0) };
  }
  const to = Array.from({ length: place.functions }, (_, n) => ref(n));
  const then: Extract<Step, { do: 'notify' }>['then'] = (answers) =>
    go(answers.reduce((sum, { gave }, n) => sum + (gave === 'vote' ? n + 1 : 0), 0));
  return { ...base, do: 'notify', callback: 'errorDetected', channel: 'frozen', to, then };
}

/** Everything that an exploration shows: ends, and ways, each with what a monitor remembers. */
function walk(first: Step, memoise: boolean) {
  const shown = new Set<string>();
  const place = (step: Step): string => `${step.at}/${JSON.stringify(step.state)}`;
  const found = explore<number>(first, {
    alphabet,
    memoise,
    monitor: {
      initial: 0,
      after: (memory, step, input) => (memory + (input.kind === 'stopped' ? 2 : step.do === 'notify' ? 1 : 0)) % 3,
      end: (memory, step) => void shown.add(`end ${memory} ${place(step)}`),
    },
    edge: (from, input, to) => void shown.add(`${place(from)} ${JSON.stringify(input)} ${place(to)}`),
  });
  return { ...found, shown };
}

describe('explore', () => {
  it('shows the same ends, ways and memories whether it visits a state once or every time', () => {
    fc.assert(
      fc.property(places, (all) => {
        const [once, always] = [walk(at(all, 0, 0), true), walk(at(all, 0, 0), false)];
        expect(once.ends).toEqual(always.ends);
        expect(once.shown).toEqual(always.shown);
        expect(once.states).toBeLessThanOrEqual(always.states);
      }),
      { numRuns: 60 },
    );
  });

  it('goes through every combination of answers, in the order of the walk', () => {
    const seen: string[] = [];
    const then = (answers: readonly { gave: string; bdf: string }[]): Step => {
      seen.push(answers.map(({ gave, bdf }) => `${bdf.slice(5, 7)} ${gave}`).join());
      return { do: 'end', at: 'end', state: null, result: 'recovered', why: 'x', usable: [] };
    };
    const to = [ref(1), ref(2)];
    const first: Step = { do: 'notify', at: 'n', state: null, callback: 'resume', channel: 'normal', to, then };
    expect(walk(first, true)).toMatchObject({ states: 2, transitions: 4 });
    expect(seen).toEqual(['01 vote,02 vote', '01 vote,02 fault', '01 fault,02 vote', '01 fault,02 fault']);
  });

  it('takes stopping for something that can happen at every step that can be stopped', () => {
    const kinds: Input['kind'][] = [];
    const stages: Stage[] = [{ change: 'a', stoppable: true }, { change: 'b' }];
    const input = { event: errorAt(1), scope: scopeOf(1), verdict: 'recover' as const };
    const monitor = { initial: null, after: () => null, end: () => {} };
    const { ends } = explore(linear(stages, input), {
      alphabet,
      monitor,
      edge: (_, { kind }) => void kinds.push(kind),
    });
    expect(kinds.filter((kind) => kind === 'stopped')).toHaveLength(1);
    expect([...ends].sort()).toEqual([
      'disconnected: a failed',
      'disconnected: b failed',
      'disconnected: stopped',
      'recovered: All stages were gone through.',
    ]);
  });

  it('passes on what the monitor throws: that is how it reports a violation', () => {
    const first = at([{ kind: 'operate', functions: 0, ways: [1], stoppable: false }], 0, 0);
    const refuse = (): never => {
      throw new Error('violated');
    };
    const after = (memory: Plain): Plain => memory;
    for (const monitor of [
      { initial: null, after: refuse, end: () => {} },
      { initial: null, after, end: refuse },
    ])
      expect(() => explore<Plain>(first, { alphabet, monitor })).toThrow('violated');
  });

  it('does not mind how deep a procedure is', () => {
    const deep = Array.from(
      { length: 20_000 },
      () => ({ kind: 'operate', functions: 0, ways: [1], stoppable: false }) as const,
    );
    expect(walk(at(deep, 0, 0), true).ends.size).toBeGreaterThan(0);
  });
});

describe('drawProcedure', () => {
  const end: Step = { do: 'end', at: 'end', state: null, result: 'recovered', why: 'x', usable: [] };
  const operate = (place: string, name: string, next: Step): Step => ({
    do: 'operate',
    at: place,
    state: null,
    operation: { name, nature: 'change' },
    then: () => next,
  });
  const draw = (first: Step): string => drawProcedure([first], alphabet, (_, { kind }) => kind).trimEnd();

  it('draws callbacks as parallelograms, operations as boxes, ends as stadiums, every way once', () => {
    const to = scopeOf(1).members.map(refOf);
    const notify: Step = {
      ...{ do: 'notify', at: 'told', state: null, callback: 'resume', channel: 'normal', to },
      then: () => end,
      stopped: () => operate('isolate', 'isolate', end),
    };
    expect(draw(notify).split('\n')).toEqual([
      'flowchart TD',
      '  start((" ")) --> told',
      '  end_recovered(["recovered"])',
      '  isolate["isolate"]',
      '  told[/"resume(normal)"/]',
      '  isolate -- "result" --> end_recovered',
      '  told -- "answers" --> end_recovered',
      '  told -- "stopped" --> isolate',
    ]);
  });

  it('keeps places apart whose names differ only in what Mermaid cannot write, or are its own words', () => {
    const drawing = draw(
      operate(
        'a-b',
        'one',
        operate('a b', 'two', operate('start', 'three', operate('end', 'four', operate('end_recovered', 'five', end)))),
      ),
    );
    const nodes = drawing
      .split('\n')
      .flatMap((line) => /^ {2}(\w+)[[(]+"(\w+)"/.exec(line)?.slice(1, 3).join(' ') ?? []);
    expect(nodes.map((node) => node.split(' ')[1]).sort()).toEqual([
      'five',
      'four',
      'one',
      'recovered',
      'three',
      'two',
    ]);
    expect(new Set(nodes.map((node) => node.split(' ')[0])).size).toBe(6);
    expect(nodes.some((node) => /^(start|end) /.test(node))).toBe(false);
  });

  it('writes quotation marks so that Mermaid does not take them for its own', () => {
    expect(draw(operate('a', 'say "so"', end))).toContain('a["say #quot;so#quot;"]');
  });
});

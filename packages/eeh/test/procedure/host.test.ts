import { type EndStep, type Plain, type Step } from '@pci-recovery/core';
import { explore } from '@pci-recovery/core/exploration';
import { eehHostProcedure } from '../../src/procedure/host.js';
import { lawOf, violated } from './law.js';
import {
  combinations,
  EVERY_SHAPE,
  eventOf,
  everything,
  scopeOf,
  TELLING_SHAPES,
  UNTOLD,
  type Extent,
  type Shape,
} from './shapes.js';

const VERDICTS = ['recover', 'give_up'] as const;
const KINDS = ['frozen_pe', 'fenced_phb'] as const;

function exploreShapes(
  shapes: readonly Shape[],
  options: { memoise?: boolean; extent?: Extent } = {},
): ReturnType<typeof explore>[] {
  return KINDS.flatMap((kind) =>
    VERDICTS.map((verdict) => {
      const wholePhb = kind === 'fenced_phb';
      const scope = scopeOf(shapes, wholePhb);
      return explore(eehHostProcedure.begin({ event: eventOf(kind), scope, verdict }), {
        alphabet: everything(shapes, wholePhb, options.extent),
        monitor: lawOf(shapes),
        memoise: options.memoise ?? true,
      });
    }),
  );
}

describe('eeh_handle_normal_event keeps its law at every state', () => {
  it('for every shape of one function, every answer, every result, every stop', () => {
    for (const shape of EVERY_SHAPE) exploreShapes([shape]);
  });

  it('for every pair of kinds that the law tells apart', () => {
    for (const shapes of combinations(TELLING_SHAPES, 2)) exploreShapes(shapes, { extent: 'lean' });
  }, 120_000);

  it('for more functions, with and without driver, without callbacks, never told, without device', () => {
    const [aware, insensitive, driverless, , , absent] = TELLING_SHAPES as [Shape, Shape, Shape, Shape, Shape, Shape];
    for (const shapes of [
      [aware, absent, aware],
      [absent, aware, insensitive],
      [aware, insensitive, absent],
      [aware, driverless, insensitive],
      [aware, UNTOLD],
      [UNTOLD, insensitive],
    ])
      exploreShapes(shapes, { extent: 'lean' });
  }, 120_000);

  it('for a PE without any function', () => void exploreShapes([]));

  it('and the memoised walk goes through the very same ends as the whole tree', () => {
    for (const shape of TELLING_SHAPES) {
      const memoised = exploreShapes([shape], { extent: 'lean' });
      const whole = exploreShapes([shape], { extent: 'lean', memoise: false });
      expect(memoised.map((one) => [...one.ends].sort())).toEqual(whole.map((one) => [...one.ends].sort()));
    }
  });
});

describe('state determines the future', () => {
  it('so that equal places with equal states answer alike', () => {
    const futures = new Map<string, string>();
    const signature = (step: Step): string =>
      JSON.stringify([step.at, step.state, step.do === 'end' ? (step satisfies EndStep).result : '']);
    for (const one of [TELLING_SHAPES.slice(0, 1), [TELLING_SHAPES[1]!], [TELLING_SHAPES[6]!]]) {
      explore(eehHostProcedure.begin({ event: eventOf('frozen_pe'), scope: scopeOf(one), verdict: 'recover' }), {
        alphabet: everything(one, false, 'lean'),
        memoise: false,
        monitor: { initial: null as Plain, after: () => null, end: () => undefined },
        edge: (from, input, to) => {
          const key = `${JSON.stringify(one)} ${signature(from)} ${JSON.stringify(input)}`;
          const before = futures.get(key);
          if (before !== undefined && before !== signature(to)) violated('state determines the future', key);
          futures.set(key, signature(to));
        },
      });
    }
    expect(futures.size).toBeGreaterThan(300);
  });
});

describe('what needs no recovery, or none can help', () => {
  const begin = (kind: 'informative' | 'dead_phb' | 'dead_ioc', shapes: readonly Shape[]): Step =>
    eehHostProcedure.begin({ event: eventOf(kind), scope: scopeOf(shapes, true), verdict: 'recover' });

  it('an informative error is for the record only', () => {
    expect(begin('informative', [TELLING_SHAPES[0]!])).toMatchObject({ do: 'end', result: 'ignored' });
  });

  it.each(['dead_phb', 'dead_ioc'] as const)(
    'after %s everybody hears perm_failure, then is removed (R4.6)',
    (kind) => {
      for (const shapes of combinations(TELLING_SHAPES, 2)) {
        const first = begin(kind, shapes);
        const at: string[] = [];
        explore(first, {
          alphabet: everything(shapes, true),
          monitor: { initial: null, after: (_, step) => (at.push(step.at), null), end: () => undefined },
        });
        expect([...new Set(at)]).toEqual(['perm_failure_dead', 'remove_dead']);
        expect(first).toMatchObject({ do: 'notify', callback: 'errorDetected', channel: 'perm_failure' });
        expect('stopped' in first).toBe(false);
      }
    },
  );
});

describe('arrivals (eeh_event.c, eeh_dev_check_failure)', () => {
  const running = { recovery: 1, event: eventOf('frozen_pe'), scope: scopeOf([TELLING_SHAPES[0]!]) };
  const arrival = (at: string, kind: Parameters<typeof eventOf>[0], extent: 'same' | 'inside' | 'wider' | 'disjoint') =>
    eehHostProcedure.arrival(running, at, eventOf(kind), extent);

  it('there is one lane for the machine, last in first out', () => {
    expect(eehHostProcedure.order).toBe('lifo');
    expect(eehHostProcedure.lane(eventOf('frozen_pe'), running.scope)).toBe(
      eehHostProcedure.lane(eventOf('dead_ioc'), scopeOf([], true)),
    );
  });

  it('an error of an isolated PE, or below it, is counted with the running recovery', () => {
    for (const at of ['begin', 'error_detected', 'wait_state', 'thaw_mmio', 'mmio_enabled', 'unplug', 'reset']) {
      expect(arrival(at, 'frozen_pe', 'same')).toBe('fold');
      expect(arrival(at, 'frozen_pe', 'inside')).toBe('fold');
    }
  });

  it('once the freeze is lifted it is a new one, and waits; so does an error elsewhere at any time', () => {
    for (const at of ['restore', 'unfreeze', 'settle', 'replug', 'normal', 'slot_reset', 'resume', 'finish'])
      expect(arrival(at, 'frozen_pe', 'same')).toBe('queue');
    for (const extent of ['wider', 'disjoint'] as const) expect(arrival('reset', 'frozen_pe', extent)).toBe('queue');
  });

  it.each(['fenced_phb', 'dead_phb', 'dead_ioc'] as const)('%s takes along what is queued inside it', (kind) =>
    expect(arrival('reset', kind, 'wider')).toBe('queue_and_purge'),
  );
});

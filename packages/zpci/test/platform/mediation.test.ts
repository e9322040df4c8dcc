import fc from 'fast-check';
import { decodeCcdfError, encodeCcdfError, MOST_PENDING, PendingErrors } from '../../src/index.js';
import { AT, host, LOOKING, operated, RESETTING, seen, type Host } from '../machine.js';

const A = AT[1];

/** A function that somebody holds, with a driver as vfio-pci is one. */
async function held(): Promise<Host> {
  const run = await host({ drivers: { [A]: { errorDetected: 'can_recover' } } });
  run.platform.open(A);
  return run;
}

const pecs = (run: Host): number[] => {
  const read: number[] = [];
  for (let next = run.platform.nextPending(A); next; next = run.platform.nextPending(A)) {
    read.push(decodeCcdfError(next).pec);
  }
  return read;
};

async function errors(run: Host, ...codes: number[]): Promise<void> {
  for (const pec of codes) {
    const before = run.outcomes.length;
    run.hardware.detect(1, { pec });
    await run.ended(before + 1);
  }
}

describe('a function that is held through VFIO (R2.5)', () => {
  it('is left to its holder after error_detected: nothing is done to it, the channel stays frozen', async () => {
    const run = await held();
    await errors(run, 4);
    const [outcome] = run.outcomes;
    expect(outcome).toMatchObject({ result: 'handed_over', usable: [] });
    expect(operated(outcome!)).toEqual(['refresh_handle', 'store_record']);
    expect(seen(run.hardware)).toEqual(['error_state', 'notification', 'BEGIN_RECOVERY']);
    expect(run.calls).toEqual([`errorDetected ${A} frozen`]);
    expect(run.platform.channelOf(A)).toBe('frozen');
    expect(pecs(run)).toEqual([4]);
  });

  it.each(['can_recover', 'recovered', 'need_reset', 'none'] as const)(
    'whatever it votes, such as %s',
    async (vote) => {
      const run = await host({ drivers: { [A]: { ...LOOKING, errorDetected: vote } } });
      run.platform.open(A);
      await errors(run, 4);
      expect(run.outcomes[0]!.result).toBe('handed_over');
    },
  );

  it.each(['disconnect', 'no_aer_driver'] as const)('but not when it aborts by %s', async (vote) => {
    const run = await host({ drivers: { [A]: { ...LOOKING, errorDetected: vote } } });
    run.platform.open(A);
    await errors(run, 4);
    expect(run.outcomes[0]!.result).toBe('disconnected');
    expect(run.calls).toEqual([`errorDetected ${A} frozen`, `errorDetected ${A} perm_failure`]);
    // Kept when it was detected, and once more with the failure.
    expect(pecs(run)).toEqual([4, 4]);
  });

  it('is recovered by the host again when it was closed', async () => {
    const run = await host({ drivers: { [A]: RESETTING } });
    run.platform.open(A);
    await errors(run, 4);
    run.platform.close(A);
    await errors(run, 4);
    expect(run.outcomes.map(({ result }) => result)).toEqual(['handed_over', 'recovered']);
  });

  it('and is left as it is by its holder: the next survey finds it, and the host recovers it', async () => {
    const run = await host({ drivers: { [A]: LOOKING } });
    run.platform.open(A);
    await errors(run, 4);
    run.platform.close(A);
    expect(run.platform.channelOf(A)).toBe('frozen');
    const [found] = await run.platform.survey(new AbortController());
    expect(await run.clock.drive(run.engine.submit(found!))).toMatchObject({ result: 'recovered' });
    expect(run.platform.channelOf(A)).toBe('normal');
  });

  it('keeps permanent events too', async () => {
    const run = await held();
    await errors(run, 0x3b, 0x40);
    expect(run.outcomes.map(({ result }) => result)).toEqual(['disconnected', 'disconnected']);
    expect(pecs(run)).toEqual([0x3b, 0x40]);
  });

  it('keeps nothing of a measurement event, nor of a stale one', async () => {
    const run = await held();
    await errors(run, 0x2a, 0x2b, 0x2c);
    run.hardware.notify({ contentCode: 1, ccdf: encodeCcdfError({ fh: 0x1234, fid: 1, pec: 4 }) });
    await run.ended(4);
    expect(pecs(run)).toEqual([]);
  });

  it('keeps nothing where no driver supports recovery, but of its failure', async () => {
    const run = await host({ drivers: {} });
    run.platform.open(A);
    await errors(run, 4);
    expect(pecs(run)).toEqual([4]);
  });
});

describe('the queue of four (R2.3)', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 9])('of %d errors keeps the oldest four, and all stay mediated', async (count) => {
    const run = await held();
    const codes = Array.from({ length: count }, (_, index) => 0x100 + index);
    await errors(run, ...codes);
    expect(run.outcomes.map(({ result }) => result)).toEqual(codes.map(() => 'handed_over'));
    expect(run.platform.functions()[0]!.pending).toBe(Math.min(count, 4));
    expect(run.platform.counters.overflowed).toBe(Math.max(0, count - 4));
    expect(pecs(run)).toEqual(codes.slice(0, 4));
    expect(run.platform.nextPending(A)).toBeUndefined();
  });

  it('reports what nobody has read when it is closed, and forgets it', async () => {
    const run = await held();
    await errors(run, 4, 5);
    expect(run.platform.close(A)).toBe(2);
    expect(run.happenings).toContainEqual({ what: 'unread', fid: 1, count: 2 });
    expect(run.platform.counters.unread).toBe(2);
    run.platform.open(A);
    expect(pecs(run)).toEqual([]);
  });

  it('cannot be opened where there is no function', async () => {
    const run = await held();
    run.hardware.takeAway(1);
    await run.settled();
    expect(run.platform.open(A)).toBe(false);
    expect(run.platform.close(A)).toBe(0);
    expect(run.platform.nextPending(A)).toBeUndefined();
  });

  it('is a first in, first out of at most four, whatever is done with it', () => {
    const doing = fc.oneof(
      fc.nat(255).map((value) => ({ do: 'store' as const, value })),
      fc.constantFrom({ do: 'next' as const }, { do: 'start' as const }, { do: 'stop' as const }),
    );
    fc.assert(
      fc.property(fc.array(doing, { maxLength: 60 }), (steps) => {
        const queue = new PendingErrors();
        let model: number[] = [];
        let open = false;
        for (const step of steps) {
          if (step.do === 'start') {
            queue.start();
            open = true;
          } else if (step.do === 'stop') {
            expect(queue.stop()).toBe(model.length);
            model = [];
            open = false;
          } else if (step.do === 'next') {
            expect(queue.next()?.[0]).toBe(model.shift());
          } else {
            const room = model.length < MOST_PENDING;
            expect(queue.store(Uint8Array.of(step.value))).toBe(!open ? 'not_mediated' : room ? 'stored' : 'full');
            if (open && room) model.push(step.value);
          }
          expect(queue.mediated).toBe(open);
          expect(queue.count).toBe(model.length);
        }
      }),
    );
  });

  it.each([
    ['bytes', Uint8Array.of(1, 2, 3)],
    ['a Buffer, of which slice() is no copy', Buffer.of(1, 2, 3)],
  ])('keeps records that nobody can change any more: %s', (_, bytes) => {
    const queue = new PendingErrors();
    queue.start();
    queue.store(bytes);
    bytes.fill(0);
    expect(queue.next()).toEqual(Uint8Array.of(1, 2, 3));
  });
});

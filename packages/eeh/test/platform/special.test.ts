import { decodePhbDiag } from '../../src/diag/index.js';
import { HUB, type EehRecord } from '../../src/index.js';
import { A, B, CARD, factsOf, host, LOOKING, NEEDY, placesOf, running, type Votes } from './host.js';
import { A0, A1, A2, at, SEPARATE } from './machines.js';

const LOOKS: Votes = { ...NEEDY, errorDetected: 'can_recover' };
const recordOf = (outcome: { readonly event: { readonly record: unknown } }) => outcome.event.record as EehRecord;

describe('firmware reports (eeh_handle_special_event; R4.6)', () => {
  it('a frozen PE, which is recovered like one that a read found, with its log (R4.7)', async () => {
    const here = await running(host(CARD), { [A]: LOOKING, [B]: LOOKING });
    here.hardware.freeze(B, { reported: true });
    const [outcome] = await here.ended(1);
    expect(recordOf(outcome!)).toMatchObject({ kind: 'frozen_pe', origin: 'interrupt', phb: 0, pe: 2 });
    expect(outcome!.result).toBe('recovered');
    const { data, findings } = decodePhbDiag(outcome!.event.raw!);
    expect(findings).toEqual([]);
    expect(data).toMatchObject({ model: 'phb4', pest: [{ pe: 2, a: 1n << 63n, b: 1n << 63n }] });
  });

  it('a fenced host bridge, which gets a complete reset whatever its drivers vote', async () => {
    const here = await running(host(CARD), { [A]: LOOKING, [B]: LOOKING });
    here.hardware.fence(0);
    const [outcome] = await here.ended(1);
    expect(recordOf(outcome!)).toMatchObject({ kind: 'fenced_phb', pe: null, name: 'PHB#0' });
    expect(outcome!.result).toBe('recovered');
    expect(factsOf(here.hardware, 'reset_end').map(({ reset, ok }) => [reset, ok])).toEqual([['complete', true]]);
    expect(factsOf(here.hardware, 'fence_cleared')).toHaveLength(1);
    expect(placesOf(outcome!)).toContain('slot_reset');
    expect([here.hardware.answers(A), here.hardware.frozen(A)]).toEqual([true, { mmio: false, dma: false }]);
  });

  it('a fence that a read finds first is dealt with before the PE, and reported once', async () => {
    const here = await running(host(CARD), { [A]: LOOKING, [B]: LOOKING });
    here.hardware.fence(0);
    here.read(A);
    await here.ended(1);
    await here.clock.drive(here.engine.close());
    expect(here.outcomes.map(recordOf).map(({ kind, origin }) => [kind, origin])).toEqual([['fenced_phb', 'read']]);
  });

  it('a dead host bridge: everybody below hears perm_failure and is removed, without a log or a reset', async () => {
    const here = await running(host(SEPARATE), { [A0]: LOOKS, [A1]: LOOKS, [A2]: LOOKS });
    here.hardware.kill(1);
    const [outcome] = await here.ended(1);
    expect([outcome!.result, outcome!.usable]).toEqual(['disconnected', []]);
    expect(here.calls).toEqual([`errorDetected ${A1} perm_failure`]);
    expect(here.logs).toEqual([]);
    expect(factsOf(here.hardware, 'removed').flatMap(({ functions }) => functions)).toEqual(
      expect.arrayContaining([A1, at('0001:00:00.0')]),
    );
    here.hardware.freeze(A0);
    here.read(A0);
    expect((await here.ended(2))[1]!.result).toBe('recovered');
  });

  it('a dead hub: all of all host bridges', async () => {
    const here = await running(host(SEPARATE), { [A0]: LOOKS, [A1]: LOOKS, [A2]: LOOKS });
    here.hardware.killHub();
    const [outcome] = await here.ended(1);
    expect(recordOf(outcome!)).toMatchObject({ kind: 'dead_ioc', name: HUB });
    expect(here.calls).toEqual([A0, A1, A2].map((bdf) => `errorDetected ${bdf} perm_failure`));
    expect([...here.hardware.topology.functions()]).toEqual([]);
    expect(here.platform.scopeOf(outcome!.event).members).toEqual([]);
  });

  it('something informative: only logged, and nobody hears of it', async () => {
    const here = await running(host(CARD), { [A]: LOOKING, [B]: LOOKING });
    here.hardware.inform(0);
    const [outcome] = await here.ended(1);
    expect([outcome!.result, outcome!.event.severity]).toEqual(['ignored', 'informative']);
    expect(here.calls).toEqual([]);
    expect(here.logs).toMatchObject([{ severity: 'informative', pe: 'PHB#0' }]);
    expect(here.logs[0]!.blob).toHaveLength(8576);
  });

  it('a PE that does not exist: its log is taken, it is thawed, and said to be informative', async () => {
    const here = await running(host({ ...CARD, log: { calls: true } }), {});
    here.hardware.report(0, { error: 3, severity: 4, pe: 77 });
    const [outcome] = await here.ended(1);
    expect(outcome!.event.severity).toBe('informative');
    const calls = factsOf(here.hardware, 'call').map(({ call }) => call);
    expect(calls.slice(calls.indexOf('diagData'))).toEqual(expect.arrayContaining(['diagData', 'freezeClear']));
    expect(calls.indexOf('diagData')).toBeLessThan(calls.indexOf('freezeClear'));
  });

  it.each([
    { error: 9, severity: 1, pe: 0 },
    { error: 2, severity: 77, pe: 0 },
    { error: 1, severity: 3, pe: 0 },
  ])('codes that make no sense (%j): kept as informative, and the next report is heard', async (codes) => {
    const here = await running(host(CARD), { [A]: LOOKING, [B]: LOOKING });
    here.hardware.report(0, codes);
    here.hardware.fence(0);
    const outcomes = await here.ended(2);
    const kinds = outcomes.map((outcome) => [recordOf(outcome).kind, outcome.result]);
    expect(kinds).toEqual([
      ['informative', 'ignored'],
      ['fenced_phb', 'recovered'],
    ]);
  });

  it('firmware that repeats one error for ever is not listened to for ever', async () => {
    const here = host(CARD);
    here.hardware.script({ fault: 'call_answers', call: 'nextError', answer: { error: 3, severity: 4, pe: 2 } });
    const found = await here.platform.survey({ signal: new AbortController().signal });
    expect(found).toHaveLength(1);
  });
});

describe('one queue for the machine, last in first out (eeh_event.c)', () => {
  it('the newest error gets its turn first', async () => {
    const here = await running(host(SEPARATE), { [A0]: LOOKS, [A1]: LOOKS, [A2]: LOOKS });
    for (const bdf of [A0, A1, A2]) {
      here.hardware.freeze(bdf);
      here.read(bdf);
    }
    const outcomes = await here.ended(3);
    expect(outcomes.map(({ event }) => event.device.bdf)).toEqual([A0, A2, A1]);
  });

  it('while a PE is isolated further errors of it are only counted', async () => {
    const here = await running(host(CARD), { [A]: NEEDY, [B]: NEEDY });
    here.hardware.freeze(A);
    for (let reads = 0; reads < 10; reads++) here.read(A);
    expect(here.platform.tree.device(A)!.pe!.checkCount).toBe(9);
    await here.ended(1);
    await here.clock.drive(here.engine.close());
    expect(here.outcomes).toHaveLength(1);
    expect(here.platform.tree.device(A)!.pe!.checkCount).toBe(0);
  });

  it('a fence takes along what waits below it, and nothing else', async () => {
    const here = await running(host(SEPARATE), { [A0]: LOOKS, [A1]: LOOKS, [A2]: LOOKS });
    for (const bdf of [A0, A1, A2]) {
      here.hardware.freeze(bdf);
      here.read(bdf);
    }
    here.hardware.fence(1);
    const outcomes = await here.ended(4);
    const purged = here.told.flatMap((event) => (event.type === 'purged' ? [event.event.device.bdf] : []));
    expect(purged).toEqual([A1]);
    const results = outcomes.map(({ event, result }) => [recordOf({ event }).name, result]);
    expect(results).toEqual([
      ['PHB#0-PE#2', 'recovered'],
      ['PHB#1-PE#2', 'ignored'],
      ['PHB#1', 'recovered'],
      ['PHB#2-PE#2', 'recovered'],
    ]);
  });
});

import { encodeCcdfAvailability } from '../../src/index.js';
import { AT, host, LOOKING, type Host } from '../machine.js';

const A = AT[1];

describe('a new function at the address of one that is still known', () => {
  it('is refused, as the kernel does, and the other one stays who it is', async () => {
    const run = await host();
    // It leaves without a word: we know it still.
    run.hardware.script({ fault: 'removed_at_call', call: 'deconfigure', fid: 1 });
    run.hardware.deconfigure(1);
    run.hardware.plug({ fid: 9, bdf: A });
    await run.settled();
    expect(run.platform.functions().filter(({ bdf }) => bdf === A)).toMatchObject([{ fid: 1, present: true }]);
    expect(run.happenings).toContainEqual({
      what: 'refused',
      fid: 9,
      why: 'Function 0x1 has its address, 0001:00:00.0.',
    });
    expect(run.hardware.inspect(9)).toMatchObject({ enabled: false });
  });

  it('is taken in when that one was forgotten', async () => {
    const run = await host({ drivers: { [A]: LOOKING } });
    run.hardware.takeAway(1, 'reserved');
    await run.settled();
    run.hardware.script({ fault: 'removed_at_call', call: 'deconfigure', fid: 1 });
    run.hardware.deconfigure(1);
    run.hardware.plug({ fid: 9, bdf: A });
    await run.settled();
    expect(run.platform.functions().find(({ fid }) => fid === 9)).toMatchObject({ present: true, generation: 1 });
    run.hardware.detect(9);
    expect((await run.ended(1))[0]).toMatchObject({ result: 'recovered', usable: [{ bdf: A, generation: 1 }] });
  });
});

describe('a handle that is another function’s', () => {
  it('brings no new function, and why is said', async () => {
    const run = await host();
    const { fh } = run.hardware.inspect(2)!;
    run.hardware.notify({ contentCode: 2, ccdf: encodeCcdfAvailability({ fid: 9, fh, pec: 0x301 }) });
    await run.settled();
    expect(run.platform.functions().map(({ fid }) => fid)).toEqual([1, 2, 3]);
    expect(run.happenings).toContainEqual({ what: 'refused', fid: 9, why: 'Its handle is that of function 0x2.' });
  });
});

describe('a function that becomes a PCI function', () => {
  const ways: [string, number, (run: Host) => Promise<void>][] = [
    ['by being new', 9, async ({ hardware }) => hardware.plug({ fid: 9, bdf: '0009:00:00.0' })],
    [
      'by being given back',
      1,
      async ({ hardware }) => {
        hardware.takeAway(1);
        hardware.make(1, 'configured');
      },
    ],
    [
      'by a survey',
      9,
      async ({ hardware, platform, settled }) => {
        hardware.script({ fault: 'notification_lost', fid: 9, times: 1 });
        hardware.plug({ fid: 9, bdf: '0009:00:00.0' });
        await settled();
        await platform.survey(new AbortController());
      },
    ],
  ];

  it.each(ways)('%s can do DMA, before and after a recovery that does not reset it', async (_, fid, becomes) => {
    const run = await host({ drivers: { [A]: LOOKING, '0009:00:00.0': LOOKING } });
    await becomes(run);
    await run.settled();
    using _mapping = run.hardware.map(fid, 0x1_0000_0000n, 0x1000n);
    expect(run.hardware.dma(fid, { address: 0x1_0000_0000n })).toBe('done');
    run.hardware.detect(fid);
    expect((await run.ended(1))[0]).toMatchObject({ result: 'recovered' });
    expect(run.hardware.dma(fid, { address: 0x1_0000_0000n })).toBe('done');
  });

  it('is one all the same when its translation cannot be registered, and that is told', async () => {
    const run = await host();
    run.hardware.script({ fault: 'call_fails', call: 'register_translation', fid: 9 });
    run.hardware.plug({ fid: 9, bdf: '0009:00:00.0' });
    await run.settled();
    expect(run.platform.functions().at(-1)).toMatchObject({ fid: 9, present: true });
    expect(run.happenings).toContainEqual({
      what: 'refused',
      fid: 9,
      why: 'Modify PCI Function Controls (register_translation) gave cc 1, status 0.',
    });
  });
});

describe('a function that firmware has reserved', () => {
  it('is forgotten by 0x304 also when it was standby', async () => {
    const run = await host();
    run.hardware.takeAway(1);
    await run.settled();
    run.hardware.takeAway(1, 'reserved');
    await run.settled();
    expect(run.platform.functions().map(({ fid }) => fid)).toEqual([2, 3]);
  });

  it('is forgotten by 0x308 when it was configured, but no PCI function', async () => {
    const run = await host();
    run.hardware.script({ fault: 'call_fails', call: 'deconfigure' });
    run.hardware.requestDeconfiguration(1);
    await run.settled();
    expect(run.platform.functions()[0]).toMatchObject({ fid: 1, state: 'configured', present: false });
    run.hardware.reserve(1);
    await run.settled();
    expect(run.platform.functions().map(({ fid }) => fid)).toEqual([2, 3]);
  });
});

describe('a survey while an availability event is at work', () => {
  it('does not enable a function that is being given back', async () => {
    const run = await host();
    run.hardware.script({ fault: 'call_fails', call: 'disable', fid: 1, answer: 0x108, times: 1 });
    run.hardware.requestDeconfiguration(1);
    await run.settled();
    run.hardware.clearLog();
    const surveyed = run.platform.survey(new AbortController());
    expect(await run.clock.drive(surveyed)).toEqual([]);
    expect(run.platform.functions()[0]).toMatchObject({ state: 'standby', present: false });
    const calls = run.hardware.log.flatMap((fact) => (fact.kind === 'firmware_call' ? [fact.call] : []));
    expect(calls).toContain('deconfigure');
    expect(calls).not.toContain('enable');
    expect(run.happenings.filter(({ what }) => what === 'refused')).toEqual([]);
  });
});

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ENGINE_CHANNEL, type EngineEvent } from '@pci-recovery/core';
import { address, bench, errorAt, words } from './scripted-platform.js';

describe('observers', () => {
  it('see everything that happens, as it happens', async () => {
    const rig = bench();
    using attached = rig.engine.attach(address(1), {});
    const event = errorAt(1);
    const outcome = await rig.recover(event);
    attached[Symbol.dispose]();
    expect(rig.seen.map(({ type }) => type)).toEqual([
      'attached',
      'received',
      ...outcome.trace.map(() => 'trace'),
      'ended',
      'detached',
    ]);
    const traced = rig.seen.flatMap((one) => (one.type === 'trace' ? [one.entry] : []));
    expect(traced).toEqual(outcome.trace);
    expect(words(outcome.trace).filter((word) => /^(begin|end)/.test(word))).toEqual(['begin', 'end recovered']);
  });

  it('hear nothing any more once disposed of, and the same listener may listen twice', async () => {
    const rig = bench();
    let heard = 0;
    const listener = (): void => void heard++;
    const listening = [rig.engine.observe(listener), rig.engine.observe(listener)];
    rig.engine.attach(address(1), {})[Symbol.dispose]();
    expect(heard).toBe(4);
    listening[0]![Symbol.dispose]();
    rig.engine.attach(address(1), {});
    expect(heard).toBe(5);
    listening[1]![Symbol.dispose]();
    await rig.recover(errorAt(1));
    expect(heard).toBe(5);
  });

  it('that are disposed of by another one hear no more of the event, and new ones begin with the next', () => {
    const rig = bench();
    const heard: string[] = [];
    const hears = (who: string) => (event: EngineEvent) => void heard.push(`${who} ${event.type}`);
    let late: Disposable | undefined;
    rig.engine.observe(() => {
      second[Symbol.dispose]();
      late ??= rig.engine.observe(hears('late'));
    });
    const second = rig.engine.observe(hears('second'));
    rig.engine.attach(address(1), {})[Symbol.dispose]();
    expect(heard).toEqual(['late detached']);
  });

  it('that throw are reported to the others and disturb neither them nor the recovery', async () => {
    const error = new Error('observer');
    const rig = bench();
    const heard: EngineEvent[] = [];
    rig.engine.observe(() => {
      throw error;
    });
    rig.engine.observe((event) => void heard.push(event));
    expect((await rig.recover(errorAt(1))).result).toBe('recovered');
    expect(heard).toContainEqual({ type: 'trouble', where: 'an observer of "ended"', error });
    expect(heard.filter(({ type }) => type === 'trouble')).toHaveLength(heard.length / 2);
  });

  it('may take part: close the engine, attach, or submit from within', async () => {
    const rig = bench({}, { observe: (event) => void (event.type === 'received' && rig.engine.close()) });
    expect((await rig.recover(errorAt(1))).result).toBe('recovered');
    await expect(rig.engine.submit(errorAt(1))).rejects.toMatchObject({ code: 'ERR_PCI_ENGINE_CLOSED' });
  });

  it('of the whole process listen to the diagnostics channel', async () => {
    const heard: unknown[] = [];
    const listener = (message: unknown): void => void heard.push(message);
    subscribe(ENGINE_CHANNEL, listener);
    const rig = bench();
    await rig.recover(errorAt(1));
    unsubscribe(ENGINE_CHANNEL, listener);
    expect(ENGINE_CHANNEL).toBe('pci-recovery:engine');
    expect(heard).toEqual(rig.seen);
    await rig.recover(errorAt(1));
    expect(heard.length).toBe(rig.seen.length / 2);
  });
});

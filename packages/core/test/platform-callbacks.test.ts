import { type PciErrorHandlers } from '@pci-recovery/core';
import { address, bench, errorAt, ref, troubles, words, type Stage } from './scripted-platform.js';

const ASK: readonly Stage[] = [{ notify: 'errorDetected' }];
const boom = (): never => {
  throw new Error('boom');
};

describe('a platform that throws around a callback', () => {
  it.each(['beforeCallback', 'afterCallback'] as const)(
    'in %s is reported, and the recovery goes on',
    async (which) => {
      const rig = bench({ stages: ASK, [which]: boom });
      rig.engine.attach(address(1), { errorDetected: () => 'can_recover' });
      expect(await rig.recover(errorAt(1))).toMatchObject({ result: 'recovered', usable: [ref(1)] });
      expect(troubles(rig.seen)).toEqual([`${which} of platform "scripted"`]);
    },
  );

  it('in handlersOf has a failed callback: its function is not handed back', async () => {
    const rig = bench({ stages: ASK, handlersOf: boom });
    const outcome = await rig.recover(errorAt(1));
    expect(words(outcome.trace)).toContain('answer fault threw');
    expect(outcome).toMatchObject({ result: 'disconnected', usable: [] });
    expect(troubles(rig.seen)).toContain('handlersOf of platform "scripted"');
    await rig.engine.close();
  });

  it('in handlersOf disturbs no function whose handlers are attached', async () => {
    const rig = bench({ stages: ASK, handlersOf: boom });
    rig.engine.attach(address(1), { errorDetected: () => 'can_recover' });
    expect(await rig.recover(errorAt(1))).toMatchObject({ result: 'recovered', usable: [ref(1)] });
    expect(troubles(rig.seen)).toEqual([]);
  });
});

describe('handlers that are attached and taken away', () => {
  const votes: PciErrorHandlers = { errorDetected: () => 'can_recover' };

  it('come before those of the platform', async () => {
    const rig = bench({ stages: ASK, handlersOf: () => ({ errorDetected: () => 'disconnect' }) });
    using _attached = rig.engine.attach(address(1), votes);
    expect((await rig.recover(errorAt(1))).result).toBe('recovered');
  });

  it('are one set for one address: a second one is refused with ERR_PCI_ALREADY_ATTACHED', () => {
    const rig = bench();
    using _attached = rig.engine.attach(address(1), votes);
    expect(() => rig.engine.attach(address(1), {})).toThrow(
      expect.objectContaining({ code: 'ERR_PCI_ALREADY_ATTACHED' }) as Error,
    );
    rig.engine.attach(address(2), votes);
  });

  it('are gone once disposed of, also in the middle of a recovery: later callbacks find no driver', async () => {
    const rig = bench({ stages: [...ASK, { change: 'reset' }, { notify: 'slotReset' }] });
    const attached = rig.engine.attach(address(1), {
      ...votes,
      errorDetected: () => (attached[Symbol.dispose](), 'none'),
    });
    const outcome = await rig.recover(errorAt(1));
    expect(words(outcome.trace)).toContain('answer nothing no_driver');
  });

  it('that an observer takes away just before their call are still called: their turn had come', async () => {
    const rig = bench(
      { stages: ASK },
      { observe: (event) => event.type === 'trace' && event.entry.what === 'call' && attached[Symbol.dispose]() },
    );
    const attached = rig.engine.attach(address(1), votes);
    expect(words((await rig.recover(errorAt(1))).trace)).toContain('answer can_recover');
  });

  it('are taken away by their own disposal only, also when the same object is attached again', () => {
    const rig = bench();
    const first = rig.engine.attach(address(1), votes);
    first[Symbol.dispose]();
    rig.engine.attach(address(1), votes);
    first[Symbol.dispose]();
    expect(rig.seen.map((event) => event.type)).toEqual(['attached', 'detached', 'attached']);
    expect(() => rig.engine.attach(address(1), {})).toThrow();
  });
});

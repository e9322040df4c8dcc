import {
  eehProfile,
  eehPseriesProfile,
  expectation,
  zpciProfile,
  type Expectation,
  type PlatformProfile,
  type Script,
  type Situation,
} from '../src/index.js';

const read = (
  profile: PlatformProfile,
  incident: string,
  a: Script[string],
  more: Partial<Situation> = {},
): Expectation =>
  expectation({
    profile,
    incident,
    at: 'a',
    layout: 'single',
    script: { a },
    sees: ['reset', 'access_enabled', 'dma_enabled', 'removed', 'added'],
    ...more,
  });

const NEED_RESET = { errorDetected: 'need_reset' } as const;

describe('reading the EEH law (Linux 7.3 arch/powerpc/kernel/eeh_driver.c)', () => {
  it('thaws MMIO, lets drivers look, thaws DMA', () => {
    const { timeline } = read(eehProfile, 'frozen', {});
    expect(timeline).toEqual([
      'a.errorDetected(frozen)',
      'access_enabled(a)',
      'a.mmioEnabled',
      'dma_enabled(a)',
      'a.resume',
    ]);
  });

  it('tries a reset three times (eeh_pe_reset_full), a thaw that nothing was reset for once', () => {
    const failing = (act: string, times: number): Partial<Situation> => ({ failing: new Map([[act, times]]) });
    const result = (driver: Script[string], act: string, times: number): string =>
      read(eehProfile, 'frozen', driver, failing(act, times)).result;
    expect([1, 2, 3].map((times) => result(NEED_RESET, 'reset', times))).toEqual([
      'recovered',
      'recovered',
      'disconnected',
    ]);
    expect(result({}, 'thaw_mmio', 1)).toBe('disconnected');
  });

  it('leaves functions alone that are passed through, and hands them back to nobody', () => {
    const { timeline, usable } = read(eehProfile, 'frozen', NEED_RESET, {
      layout: 'pair',
      script: { a: NEED_RESET, b: {} },
      held: ['b'],
    });
    expect(timeline.filter((token) => token.startsWith('b.'))).toEqual([]);
    expect(usable).toEqual(['a']);
  });

  it('on pSeries lets register access through for the temporary log (eeh_slot_error_detail)', () => {
    const { timeline } = read(eehPseriesProfile, 'frozen', { errorDetected: 'recovered' });
    expect(timeline).toEqual(['a.errorDetected(frozen)', 'access_enabled(a)', 'a.resume']);
    expect(read(eehProfile, 'frozen', { errorDetected: 'recovered' }).timeline).not.toContain('access_enabled(a)');
  });

  it('resets a fenced host bridge completely, whatever was voted for', () => {
    const kinds = (incident: string): (string | undefined)[] =>
      read(eehProfile, incident, NEED_RESET).acts.flatMap(({ evidence }) => evidence?.how ?? []);
    expect([kinds('frozen'), kinds('fenced')]).toEqual([['hot'], ['complete']]);
    expect(read(eehProfile, 'fenced', {}).timeline).toContain('reset(a)');
  });
});

describe('reading the zPCI law (Linux 7.3 arch/s390/pci/pci_event.c)', () => {
  it('fails on an abort without a reset', () => {
    for (const vote of ['disconnect', 'no_aer_driver'] as const)
      expect(read(zpciProfile, 'error', { errorDetected: vote }).timeline.slice(1)).toEqual([
        'a.errorDetected(perm_failure)',
      ]);
  });

  it('stops after error_detected where the function is held, with the channel frozen; an abort fails also then', () => {
    const held = { held: ['a'] };
    expect(read(zpciProfile, 'error', NEED_RESET, held)).toMatchObject({
      timeline: ['a.errorDetected(frozen)'],
      result: 'handed_over',
      usable: [],
      channels: { a: 'frozen' },
    });
    expect(read(zpciProfile, 'error', { errorDetected: 'disconnect' }, held)).toMatchObject({
      result: 'disconnected',
      channels: { a: 'perm_failure' },
    });
  });
});

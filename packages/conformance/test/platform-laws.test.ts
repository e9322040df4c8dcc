import {
  aerOwnerProfile,
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
    sees: ['reset', 'status_cleared', 'access_enabled', 'dma_enabled', 'removed', 'added'],
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

describe('reading the law of who holds functions through VFIO beside a host with AER', () => {
  it('has one reset for a fatal error, the host’s, then restores, and tells slot_reset whatever was voted (R3.5)', () => {
    for (const vote of ['can_recover', 'need_reset', 'recovered', 'none'] as const)
      expect(read(aerOwnerProfile, 'fatal', { errorDetected: vote }).timeline).toEqual([
        'a.errorDetected(frozen)',
        'reset(a)',
        'dma_enabled(a)',
        'a.slotReset',
        'status_cleared(a)',
        'a.resume',
      ]);
  });

  it('restores nothing for who gave its function up', () => {
    const { timeline } = read(aerOwnerProfile, 'fatal', { errorDetected: 'disconnect' });
    expect(timeline).toEqual(['a.errorDetected(frozen)', 'reset(a)', 'a.errorDetected(perm_failure)']);
  });

  it('goes on after a non-fatal error without any reset', () => {
    const { timeline } = read(aerOwnerProfile, 'nonfatal', {});
    expect(timeline).toEqual(['a.errorDetected(normal)', 'a.mmioEnabled', 'a.resume']);
  });

  it('makes a reset that is asked for a hot one, after a second notification (R3.11, R1.5); else it is refused', () => {
    const hot = read(aerOwnerProfile, 'nonfatal', NEED_RESET);
    expect(hot.timeline.slice(0, 3)).toEqual(['a.errorDetected(normal)', 'a.errorDetected(frozen)', 'reset(a)']);
    expect(hot.acts.flatMap(({ evidence }) => evidence?.how ?? [])).toEqual(['hot']);
    const refused = read(aerOwnerProfile, 'nonfatal', NEED_RESET, { lacking: ['hot_reset'] });
    expect(refused.timeline).toEqual(['a.errorDetected(normal)', 'a.errorDetected(perm_failure)']);
  });

  it('promotes a non-fatal error that the host ended with a reset, and does not reset again (R1.5, R3.5)', () => {
    const { timeline } = read(aerOwnerProfile, 'nonfatal_reset', NEED_RESET);
    expect(timeline.slice(0, 4)).toEqual([
      'a.errorDetected(normal)',
      'reset(a)',
      'a.errorDetected(frozen)',
      'dma_enabled(a)',
    ]);
  });

  it('gives up when the host gave up', () => {
    for (const incident of ['nonfatal', 'fatal', 'nonfatal_reset'])
      expect(read(aerOwnerProfile, incident, {}, { broken: new Set(['host']) })).toMatchObject({
        result: 'disconnected',
        usable: [],
      });
  });

  it('counts a function without listeners as disconnect (R1.3), which a sibling’s need_reset lifts', () => {
    const beside = (b: Script[string]) =>
      read(aerOwnerProfile, 'fatal', null, { layout: 'pair', script: { a: null, b } }).result;
    expect([beside({}), beside(NEED_RESET)]).toEqual(['disconnected', 'recovered']);
  });
});

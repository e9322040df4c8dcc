import { A, B, CARD, factsOf, FLAVOURS, host, LOOKING, NEEDY, placesOf, running } from './host.js';

const MS = 1e6;

describe.each(FLAVOURS)('a frozen PE on %s firmware', (firmware) => {
  it('is reset when a driver needs it: MMIO is thawed before DMA, then the drivers set up and resume (R4.5, R4.8)', async () => {
    const here = await running(host({ ...CARD, firmware }), { [A]: NEEDY, [B]: LOOKING });
    here.hardware.freeze(A);
    here.read(A);
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('recovered');
    expect(placesOf(outcome!)).toEqual([
      'check_presence',
      'count_freeze',
      'frozen',
      'error_detected',
      'wait_state',
      'log_temporary',
      'unplug',
      'reset',
      'restore',
      'unfreeze',
      'normal',
      'slot_reset',
      'resume_channels',
      'resume',
      'finish',
    ]);
    expect(here.calls).toEqual([
      `errorDetected ${A} frozen`,
      `errorDetected ${B} frozen`,
      `slotReset ${A}`,
      `slotReset ${B}`,
      `resume ${A}`,
      `resume ${B}`,
    ]);
    expect(here.hardware.frozen(A)).toEqual({ mmio: false, dma: false });
    expect(here.hardware.readMemory(A, 0)).toBe(0);
    await here.clock.drive(here.engine.close());
    expect(here.clock.pending).toBe(0);
  });

  it('is only thawed when every driver can go on: looked at between MMIO and DMA', async () => {
    const here = await running(host({ ...CARD, firmware }), { [A]: LOOKING, [B]: LOOKING });
    here.hardware.freeze(A);
    here.read(A);
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('recovered');
    expect(factsOf(here.hardware, 'reset_begin')).toEqual([]);
    const thaws = factsOf(here.hardware, 'thawed').map(({ what }) => what);
    expect(thaws).toEqual(['mmio', 'dma']);
    expect(placesOf(outcome!).slice(-6)).toEqual([
      'thaw_mmio',
      'mmio_enabled',
      'thaw_dma',
      'resume_channels',
      'resume',
      'finish',
    ]);
  });

  it('with drivers that know nothing of errors is reset with hotplug; nobody is told (5 s before they come back)', async () => {
    const here = await running(host({ ...CARD, firmware }), {});
    here.hardware.freeze(A);
    here.read(A);
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('recovered');
    const [removed] = factsOf(here.hardware, 'removed');
    const [added] = factsOf(here.hardware, 'added');
    expect(added!.time - removed!.time).toBeGreaterThan(5000 * MS);
    expect(outcome!.usable).toEqual([
      { bdf: A, generation: 1 },
      { bdf: B, generation: 1 },
    ]);
  });
});

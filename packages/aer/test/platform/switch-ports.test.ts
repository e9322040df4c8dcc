import { parseBdf } from '@pci-recovery/core';
import { PCI_HEADER } from '@pci-recovery/pci';
import { factsOf, host, operated, running, WORKING, type Machine, type Votes } from './host.js';

const ROOT = '00:06.0';
const UPSTREAM = '01:00.0';
const DOWNSTREAM = '02:00.0';
const ENDPOINT = '03:00.0';

const machine = (driver?: string): Machine => ({
  rootPorts: [
    {
      kind: 'root_port',
      bdf: ROOT,
      below: [
        {
          kind: 'upstream_port',
          bdf: UPSTREAM,
          ...(driver ? { driver } : {}),
          below: [
            {
              kind: 'downstream_port',
              bdf: DOWNSTREAM,
              ...(driver ? { driver } : {}),
              below: [{ kind: 'endpoint', bdf: ENDPOINT }],
            },
          ],
        },
      ],
    },
  ],
});
const LOOKING: Votes = { ...WORKING, errorDetected: 'can_recover' };

describe('switch ports with their driver (portdrv.c)', () => {
  it('vote need_reset on a frozen channel: slot_reset comes to everybody, whatever the endpoint voted', async () => {
    const here = await running(host(machine('pcieport')), { [ENDPOINT]: LOOKING });
    here.hardware.detect(ROOT, { error: 'MALF_TLP' });
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('recovered');
    expect(here.calls).toEqual([`errorDetected ${ENDPOINT} frozen`, `slotReset ${ENDPOINT}`, `resume ${ENDPOINT}`]);
  });

  it('restore their configuration at slot_reset, upstream first, so that what is below answers again', async () => {
    const here = host(machine('pcieport'));
    const answered: boolean[] = [];
    const engine = await running(here, {
      [ENDPOINT]: {
        errorDetected: () => 'need_reset',
        slotReset: () => (answered.push(here.hardware.answers(ENDPOINT)), 'recovered'),
      },
    });
    const buses = (bdf: string): number => here.hardware.readConfig(parseBdf(bdf), PCI_HEADER.PRIMARY_BUS, 4);
    const before = [UPSTREAM, DOWNSTREAM].map(buses);
    here.hardware.detect(ROOT, { error: 'MALF_TLP' });
    const [outcome] = await engine.ended(1);
    expect(outcome!.result).toBe('recovered');
    expect(answered).toEqual([true]);
    expect([UPSTREAM, DOWNSTREAM].map(buses)).toEqual(before);
    expect(factsOf(here.hardware, 'function_reset').map((fact) => fact.bdf)).toEqual(
      [UPSTREAM, DOWNSTREAM, ENDPOINT].map(parseBdf),
    );
  });

  it('vote can_recover on a normal channel and recovered from mmio_enabled: no reset', async () => {
    const here = await running(host(machine('pcieport')), { [ENDPOINT]: LOOKING });
    here.hardware.detect(ROOT, { error: 'COMP_TIME' });
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('recovered');
    expect(operated(outcome!)).toEqual(['confirm_source', 'clear_status']);
    expect(here.calls).toEqual([`errorDetected ${ENDPOINT} normal`, `mmioEnabled ${ENDPOINT}`, `resume ${ENDPOINT}`]);
  });

  it('do not lift no_aer_driver: without a driver below, everybody is lost', async () => {
    const here = await running(host(machine('pcieport')), {});
    here.hardware.detect(ROOT, { error: 'MALF_TLP' });
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('disconnected');
  });

  it('that detect an error themselves: a downstream port concerns only what is below it', async () => {
    const here = await running(host(machine('pcieport')), { [ENDPOINT]: WORKING });
    here.hardware.detect(DOWNSTREAM, { error: 'MALF_TLP' });
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('recovered');
    expect(factsOf(here.hardware, 'secondary_bus_reset_asserted').map((fact) => fact.bdf)).toEqual([
      parseBdf(DOWNSTREAM),
    ]);
  });

  it('handlers that are attached for a port come before its own driver', async () => {
    const here = await running(host(machine('pcieport')), { [ENDPOINT]: WORKING, [UPSTREAM]: WORKING });
    here.hardware.detect(ROOT, { error: 'MALF_TLP' });
    await here.ended(1);
    expect(here.calls[0]).toBe(`errorDetected ${UPSTREAM} frozen`);
  });
});

describe('switch ports without their driver', () => {
  it.each([undefined, 'vfio-pci'])(
    'abstain as bridges (driver: %s): a fatal error is reset, and nobody gets slot_reset',
    async (name) => {
      const here = await running(host(machine(name)), { [ENDPOINT]: LOOKING });
      here.hardware.detect(ROOT, { error: 'MALF_TLP' });
      const [outcome] = await here.ended(1);
      expect(operated(outcome!)).toContain('reset_subordinates');
      expect(here.calls).toEqual([`errorDetected ${ENDPOINT} frozen`, `mmioEnabled ${ENDPOINT}`, `resume ${ENDPOINT}`]);
      expect(here.hardware.answers(ENDPOINT)).toBe(false);
    },
  );
});

import { parseBdf, type PciErrorHandlers } from '@pci-recovery/core';
import { factsOf, host, running, WORKING, type Machine, type Running, type Votes } from './host.js';

const ENDPOINT = '01:00.0';
const SIBLING = '01:00.1';
const MACHINE: Machine = {
  rootPorts: [
    {
      kind: 'root_port',
      bdf: '00:06.0',
      below: [
        { kind: 'endpoint', bdf: ENDPOINT },
        { kind: 'endpoint', bdf: SIBLING },
      ],
    },
  ],
};
/** A switch; nothing is bound to its downstream port. */
const SWITCH: Machine = {
  rootPorts: [
    {
      kind: 'root_port',
      bdf: '00:06.0',
      below: [
        {
          kind: 'upstream_port',
          bdf: '01:00.0',
          driver: 'pcieport',
          below: [{ kind: 'downstream_port', bdf: '02:00.0', below: [{ kind: 'endpoint', bdf: '03:00.0' }] }],
        },
      ],
    },
  ],
};
const LOOKING: Votes = { ...WORKING, errorDetected: 'can_recover' };

const uevents = ({ hardware }: Running): string[] =>
  factsOf(hardware, 'uevent').map(({ bdf, event }) => `${bdf.slice(5)} ${event.replace('_RECOVERY', '')}`);
const channels = ({ platform }: Running, ...bdfs: string[]): string[] =>
  bdfs.map((bdf) => platform.channelOf(parseBdf(bdf)));

describe('uevents (pci-driver.c:pci_uevent_ers)', () => {
  it('come from the vote of each function, and SUCCESSFUL at its resume', async () => {
    const here = await running(host(MACHINE), { [ENDPOINT]: WORKING, [SIBLING]: LOOKING });
    here.hardware.detect(ENDPOINT, { error: 'MALF_TLP' });
    await here.ended(1);
    expect(uevents(here)).toEqual(['01:00.0 BEGIN', '01:00.1 BEGIN', '01:00.0 SUCCESSFUL', '01:00.1 SUCCESSFUL']);
  });

  it('SUCCESSFUL comes before status is cleared', async () => {
    const here = await running(host(MACHINE), { [ENDPOINT]: LOOKING, [SIBLING]: LOOKING });
    here.hardware.clearLog();
    here.hardware.detect(ENDPOINT, { error: 'COMP_TIME' });
    await here.ended(1);
    const order = here.hardware.log.flatMap((fact) =>
      (fact.kind === 'uevent' && fact.event === 'SUCCESSFUL_RECOVERY') || fact.kind === 'status_cleared'
        ? [fact.kind === 'uevent' ? 'SUCCESSFUL' : fact.register]
        : [],
    );
    expect(order).toEqual(['ROOT_STATUS', 'SUCCESSFUL', 'SUCCESSFUL', 'DEVICE_STATUS', 'UNCOR_STATUS']);
  });

  it('a vote of recovered says SUCCESSFUL, and disconnect FAILED, both before any reset', async () => {
    const here = await running(host(MACHINE), {
      [ENDPOINT]: { ...WORKING, errorDetected: 'recovered' },
      [SIBLING]: { ...WORKING, errorDetected: 'disconnect' },
    });
    here.hardware.detect(ENDPOINT, { error: 'COMP_TIME' });
    await here.ended(1);
    expect(uevents(here)).toEqual(['01:00.0 SUCCESSFUL', '01:00.1 FAILED', '01:00.0 FAILED', '01:00.1 FAILED']);
  });

  it('a function without driver sends none for its vote, and FAILED with everybody in the walk of perm_failure', async () => {
    const here = await running(host(MACHINE), { [ENDPOINT]: WORKING });
    here.hardware.detect(ENDPOINT, { error: 'MALF_TLP' });
    const [outcome] = await here.ended(1);
    expect(outcome).toMatchObject({ result: 'disconnected', usable: [] });
    expect(uevents(here)).toEqual(['01:00.0 BEGIN', '01:00.0 FAILED', '01:00.1 FAILED']);
  });

  it('bridges send them too, driven or not', async () => {
    const here = await running(host(SWITCH), { '03:00.0': WORKING });
    here.hardware.detect('00:06.0', { error: 'MALF_TLP' });
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('recovered');
    const walk = ['01:00.0', '02:00.0', '03:00.0'];
    expect(uevents(here)).toEqual([...walk.map((bdf) => `${bdf} BEGIN`), ...walk.map((bdf) => `${bdf} SUCCESSFUL`)]);
  });
});

describe('channel states (pci.h:pci_dev_set_io_state)', () => {
  it("are frozen from just before each function's own error_detected, and normal from its slot_reset on", async () => {
    const seen: string[] = [];
    const see = (what: string): void => void seen.push(`${what}: ${channels(here, ENDPOINT, SIBLING).join(' ')}`);
    const handlers = (name: string): PciErrorHandlers => ({
      errorDetected: () => (see(`${name} error_detected`), 'need_reset'),
      slotReset: () => (see(`${name} slot_reset`), 'recovered'),
      resume: () => see(`${name} resume`),
    });
    const here: Running = await running(host(MACHINE), {
      [ENDPOINT]: handlers('first'),
      [SIBLING]: handlers('second'),
    });
    here.hardware.detect(ENDPOINT, { error: 'MALF_TLP' });
    await here.ended(1);
    expect(seen).toEqual([
      'first error_detected: frozen normal',
      'second error_detected: frozen frozen',
      'first slot_reset: normal frozen',
      'second slot_reset: normal normal',
      'first resume: normal normal',
      'second resume: normal normal',
    ]);
  });

  it('stay normal for a non-fatal error', async () => {
    const seen: string[] = [];
    const here: Running = await running(host(MACHINE), {
      [ENDPOINT]: {
        errorDetected: (_, state) => (seen.push(state, ...channels(here, ENDPOINT)), 'can_recover'),
      } satisfies PciErrorHandlers,
      [SIBLING]: LOOKING,
    });
    here.hardware.detect(ENDPOINT, { error: 'COMP_TIME' });
    await here.ended(1);
    expect(seen).toEqual(['normal', 'normal']);
  });

  it('stay frozen after a failed recovery: perm_failure is told, not set; the next error recovers', async () => {
    const here = await running(host(MACHINE), { [ENDPOINT]: WORKING, [SIBLING]: WORKING });
    const fault = here.hardware.script({ fault: 'link_stays_down', bdf: '00:06.0', times: 1 });
    here.hardware.detect(ENDPOINT, { error: 'MALF_TLP' });
    await here.ended(1);
    expect(here.calls.slice(-2)).toEqual(['errorDetected 01:00.0 perm_failure', 'errorDetected 01:00.1 perm_failure']);
    expect(channels(here, ENDPOINT, SIBLING)).toEqual(['frozen', 'frozen']);
    fault[Symbol.dispose]();
    here.hardware.detect('00:06.0', { error: 'MALF_TLP' });
    const outcomes = await here.ended(2);
    expect(outcomes.map(({ result }) => result)).toEqual(['disconnected', 'recovered']);
    expect(channels(here, ENDPOINT, SIBLING)).toEqual(['normal', 'normal']);
  });

  it('one without error_detected sinks its whole bus: nobody is reset for a non-fatal error, nobody resumes', async () => {
    const { slotReset, resume } = WORKING;
    const here = await running(host(MACHINE), {
      [ENDPOINT]: WORKING,
      [SIBLING]: { slotReset: slotReset!, resume: resume! },
    });
    here.hardware.detect(ENDPOINT, { error: 'COMP_TIME' });
    const [outcome] = await here.ended(1);
    expect(outcome).toMatchObject({ result: 'disconnected', usable: [] });
    expect(here.calls).toEqual(['errorDetected 01:00.0 normal', 'errorDetected 01:00.0 perm_failure']);
    expect(factsOf(here.hardware, 'function_reset')).toEqual([]);
  });
});

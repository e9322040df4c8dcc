import { parseBdf } from '@pci-recovery/core';
import { AER } from '@pci-recovery/pci';
import { type AerEvent } from '../../src/index.js';
import { factsOf, host, operated, readAer, running, WORKING, writeAer, type Host, type Machine } from './host.js';

const ROOT = parseBdf('00:06.0');
const ENDPOINT = parseBdf('01:00.0');
const SIBLING = parseBdf('01:00.1');
const MACHINE: Machine = {
  rootPorts: [
    {
      kind: 'root_port',
      bdf: ROOT,
      below: [
        { kind: 'endpoint', bdf: ENDPOINT },
        { kind: 'endpoint', bdf: SIBLING },
      ],
    },
  ],
  eventCollectors: [{ kind: 'rcec', bdf: '00:1e.0', collects: [{ kind: 'rciep', bdf: '00:10.0' }] }],
};

const survey = ({ platform }: Host): Promise<readonly AerEvent[]> =>
  platform.survey({ signal: new AbortController().signal });
const found = (events: readonly AerEvent[]): string[] =>
  events.map(({ device, severity, record }) => `${device.bdf} ${severity} ${record.origin}`);

describe('a survey', () => {
  it('of a healthy machine finds nothing and writes nothing', async () => {
    const here = host(MACHINE);
    here.hardware.clearLog();
    expect(await survey(here)).toEqual([]);
    expect(here.hardware.log).toEqual([]);
  });

  it('finds what a root port or event collector was told while nobody listened, and clears its status', async () => {
    const here = host(MACHINE);
    here.hardware.script({ fault: 'interrupt_lost', bdf: ROOT });
    here.hardware.script({ fault: 'interrupt_lost', bdf: '00:1e.0' });
    here.hardware.detect(ENDPOINT, { error: 'MALF_TLP' });
    here.hardware.detect('00:10.0', { error: 'COMP_TIME' });
    expect(found(await survey(here))).toEqual([`${ENDPOINT} fatal message`, '0000:00:10.0 nonfatal message']);
    expect(readAer(here.hardware, ROOT, AER.ROOT_STATUS)).toBe(0);
    expect(found(await survey(here)).filter((one) => one.endsWith('message'))).toEqual([]);
  });

  it('finds errors whose message was lost, as severe as the function says, with the root that should know', async () => {
    const here = host(MACHINE);
    for (const bdf of [ENDPOINT, SIBLING, '00:10.0']) here.hardware.script({ fault: 'message_lost', bdf });
    here.hardware.detect(ENDPOINT, { error: 'MALF_TLP' });
    here.hardware.detect(SIBLING, { error: 'COMP_TIME' });
    here.hardware.detect('00:10.0', { error: 'COMP_TIME' });
    const events = await survey(here);
    expect(found(events)).toEqual([
      `${ENDPOINT} fatal survey`,
      `${SIBLING} nonfatal survey`,
      '0000:00:10.0 nonfatal survey',
    ]);
    expect(events.map(({ record }) => record.root)).toEqual([ROOT, ROOT, parseBdf('00:1e.0')]);
    expect(events[0]!.record).toMatchObject({ status: 1 << 18, portType: 'endpoint', accessible: true });
  });

  it('does not report masked errors, nor correctable ones', async () => {
    const here = host(MACHINE);
    here.hardware.script({ fault: 'message_lost', bdf: ENDPOINT });
    here.hardware.detect(ENDPOINT, { uncorrectable: 'COMP_TIME', correctable: 'BAD_TLP' });
    writeAer(here.hardware, ENDPOINT, AER.UNCOR_MASK, 1 << 14);
    expect(await survey(here)).toEqual([]);
  });

  it('finds a function that answers all ones: fatal (R1.6)', async () => {
    const here = host(MACHINE);
    here.hardware.freeze(SIBLING);
    const [event, ...others] = await survey(here);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      severity: 'fatal',
      device: { bdf: SIBLING },
      record: { origin: 'survey', root: ROOT, accessible: false, status: 0 },
    });
  });

  it('reports a function once, however broken it is', async () => {
    const here = host(MACHINE);
    here.hardware.detect(ENDPOINT, { error: 'COMP_TIME' });
    here.hardware.freeze(ENDPOINT);
    expect(found(await survey(here))).toEqual([`${ENDPOINT} fatal message`]);
  });
});

describe('an engine that starts on a broken machine', () => {
  it('recovers what is found, once: the interrupt that was waiting finds nothing more', async () => {
    const here = host(MACHINE);
    here.hardware.detect(ENDPOINT, { error: 'MALF_TLP' });
    const engine = await running(here, { [ENDPOINT]: WORKING, [SIBLING]: WORKING });
    const [outcome] = await engine.ended(1);
    expect(outcome!.result).toBe('recovered');
    await engine.clock.drive(engine.engine.close());
    expect(engine.outcomes).toHaveLength(1);
    expect(factsOf(here.hardware, 'secondary_bus_reset_asserted')).toHaveLength(1);
  });

  it('resets a bus once, though the survey found two functions on it: the second one is looked at again', async () => {
    const here = host(MACHINE);
    here.hardware.freeze(ENDPOINT);
    here.hardware.freeze(SIBLING);
    const engine = await running(here, { [ENDPOINT]: WORKING, [SIBLING]: WORKING });
    const outcomes = await engine.ended(2);
    expect(outcomes.map(({ result }) => result)).toEqual(['recovered', 'ignored']);
    expect(outcomes.map(operated)).toEqual([
      ['confirm_source', 'reset_subordinates', 'clear_status'],
      ['confirm_source'],
    ]);
    expect(factsOf(here.hardware, 'secondary_bus_reset_asserted')).toHaveLength(1);
  });

  it('resets the bus of a fatal error whose message was lost, which a second look confirms', async () => {
    const here = host(MACHINE);
    here.hardware.script({ fault: 'message_lost', bdf: ENDPOINT });
    here.hardware.detect(ENDPOINT, { error: 'MALF_TLP' });
    const engine = await running(here, { [ENDPOINT]: WORKING, [SIBLING]: WORKING });
    const [outcome] = await engine.ended(1);
    expect(outcome!.result).toBe('recovered');
    expect(engine.calls[0]).toBe('errorDetected 0000:01:00.0 frozen');
  });
});

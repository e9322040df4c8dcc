import { parseBdf } from '@pci-recovery/core';
import { AER } from '@pci-recovery/pci';
import { type Confirmation } from '../../src/index.js';
import { factsOf, host, operated, readAer, running, WORKING, writeAer, type Host, type Machine } from './host.js';

const ROOT = parseBdf('00:06.0');
const ENDPOINT = parseBdf('01:00.0');
const MACHINE: Machine = {
  rootPorts: [{ kind: 'root_port', bdf: ROOT, below: [{ kind: 'endpoint', bdf: ENDPOINT }] }],
  eventCollectors: [{ kind: 'rcec', bdf: '00:1e.0', collects: [{ kind: 'rciep', bdf: '00:10.0' }] }],
};

const look = ({ platform }: Host, bdf: string, severity: 'nonfatal' | 'fatal'): unknown =>
  platform.perform({ name: 'confirm_source', nature: 'wait', device: parseBdf(bdf), severity });
const found = (value: Confirmation): unknown => ({ ok: true, value });

describe('the second look at a source (aer.c:aer_process_err_devices, aer_get_device_error_info)', () => {
  const error = (bdf: string): Host => {
    const here = host(MACHINE);
    here.hardware.detect(bdf, { uncorrectable: ['MALF_TLP', 'COMP_TIME'] });
    return here;
  };
  const gone = (bdf: string): Host => {
    const here = error(bdf);
    writeAer(here.hardware, parseBdf(bdf), AER.UNCOR_STATUS, 0xffff_ffff);
    return here;
  };
  const masked = (bdf: string): Host => {
    const here = error(bdf);
    writeAer(here.hardware, parseBdf(bdf), AER.UNCOR_MASK, 0xffff_ffff);
    return here;
  };
  const broken = (bdf: string): Host => {
    const here = error(bdf);
    here.hardware.freeze(bdf);
    return here;
  };
  const removed = (bdf: string): Host => {
    const here = error(bdf);
    here.hardware.remove(bdf);
    return here;
  };
  const [ENDED, RCIEP, RCEC, PORT] = ['01:00.0', '00:10.0', '00:1e.0', '00:06.0'];

  it.each([
    ['an error is still there', error, ENDED, 'nonfatal', 'error'],
    ['it was cleared meanwhile', gone, ENDED, 'nonfatal', 'none'],
    ['it was masked meanwhile', masked, ENDED, 'nonfatal', 'none'],
    ['all ones: escalated to fatal (R1.6)', broken, ENDED, 'nonfatal', 'broken'],
    ['it is not there any more', removed, ENDED, 'nonfatal', 'broken'],
    ['fatal on an endpoint is believed, not read', gone, ENDED, 'fatal', 'error'],
    ['fatal on an endpoint is believed, also when it is dead', broken, ENDED, 'fatal', 'error'],
    ['fatal on an RCiEP is believed', gone, RCIEP, 'fatal', 'error'],
    ['fatal on a root port is read', error, PORT, 'fatal', 'error'],
    ['fatal on a root port, cleared meanwhile', gone, PORT, 'fatal', 'none'],
    ['fatal on an event collector, cleared meanwhile', gone, RCEC, 'fatal', 'none'],
  ] as const)('%s', (_, make, bdf, severity, value) => {
    expect(look(make(bdf), bdf, severity)).toEqual(found(value));
  });
});

describe('two errors back to back on one root port', () => {
  it('the second one is handled after the first, looked at again, and ignored when that has cleared it', async () => {
    const here = await running(host(MACHINE), { [ENDPOINT]: { ...WORKING, errorDetected: 'can_recover' } });
    here.hardware.detect(ENDPOINT, { error: 'COMP_TIME' });
    // Its interrupt is taken, so the root logs the next message as a new one.
    const [first] = here.platform.interrupted(ROOT);
    here.hardware.detect(ENDPOINT, { error: 'POISON_TLP' });
    const [second] = here.platform.interrupted(ROOT);
    expect([first, second].map((event) => event!.record.status)).toEqual([1 << 14, (1 << 14) | (1 << 12)]);
    const outcomes = await here.clock.drive(Promise.all([here.engine.submit(first!), here.engine.submit(second!)]));
    expect(outcomes.map(({ result }) => result)).toEqual(['recovered', 'ignored']);
    expect(outcomes.map(operated)).toEqual([['confirm_source', 'clear_status'], ['confirm_source']]);
    expect(readAer(here.hardware, ENDPOINT, AER.UNCOR_STATUS)).toBe(0);
    expect(here.calls.filter((call) => call.startsWith('errorDetected'))).toHaveLength(1);
  });

  it('the second one is recovered too when it is still there', async () => {
    let again = true;
    const here = await running(host(MACHINE), {
      [ENDPOINT]: {
        errorDetected: () => 'can_recover',
        mmioEnabled: () => 'recovered',
        resume: () => {
          // A new error just after the driver resumed, before status is cleared: masked off by nothing.
          if (again) here.hardware.detect(ROOT, { error: 'COMP_TIME' });
          again = false;
        },
      },
    });
    here.hardware.detect(ENDPOINT, { error: 'COMP_TIME' });
    const outcomes = await here.ended(2);
    expect(outcomes.map(({ result, event }) => [result, event.device.bdf])).toEqual([
      ['recovered', ENDPOINT],
      ['recovered', ROOT],
    ]);
    expect(factsOf(here.hardware, 'secondary_bus_reset_asserted')).toEqual([]);
  });

  it('errors of different root ports are recovered at the same time', async () => {
    const two: Machine = {
      rootPorts: [
        ...MACHINE.rootPorts!,
        { kind: 'root_port', bdf: '00:07.0', below: [{ kind: 'endpoint', bdf: '02:00.0' }] },
      ],
    };
    const here = await running(host(two), { [ENDPOINT]: WORKING, '02:00.0': WORKING });
    here.hardware.detect(ENDPOINT, { error: 'MALF_TLP' });
    here.hardware.detect('02:00.0', { error: 'MALF_TLP' });
    const outcomes = await here.ended(2);
    expect(outcomes.map(({ result }) => result)).toEqual(['recovered', 'recovered']);
    const [first, second] = outcomes;
    expect(second!.startedAt).toBeLessThan(first!.endedAt);
  });
});

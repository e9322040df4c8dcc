import { parseBdf } from '@pci-recovery/core';
import { AER } from '@pci-recovery/pci';
import { type UpstreamPortDescription } from '../../src/sim/index.js';
import { aerOf, factsOf, host, readAer, running, WORKING, type Host, type Machine } from './host.js';

const ROOT = parseBdf('00:06.0');
const ENDPOINT = parseBdf('01:00.0');
const MACHINE: Machine = {
  rootPorts: [{ kind: 'root_port', bdf: ROOT, below: [{ kind: 'endpoint', bdf: ENDPOINT }] }],
};

/** Another function at the address of the first. */
function replace(here: Host, description: Parameters<Host['hardware']['plug']>[1]): void {
  here.hardware.remove(description.bdf);
  here.hardware.plug(ROOT, description);
}

describe('a new function at an old address', () => {
  it('is looked up anew: what the old one had where says nothing about it', () => {
    const here = host(MACHINE);
    replace(here, {
      kind: 'endpoint',
      bdf: ENDPOINT,
      virtualFunctions: [{ bdf: '01:00.1' }],
      msix: { vectors: 1 },
      prefixLog: true,
    });
    here.hardware.detect(ENDPOINT, { error: 'COMP_TIME' });
    const [event] = here.platform.interrupted(ROOT);
    expect(event).toMatchObject({ severity: 'nonfatal', device: { bdf: ENDPOINT, generation: 1 } });
    expect(event!.record.status).toBe(readAer(here.hardware, ENDPOINT, AER.UNCOR_STATUS));
  });

  it('without AER capability is left alone, though the old one had it', () => {
    const here = host(MACHINE);
    replace(here, { kind: 'endpoint', bdf: ENDPOINT, aer: false });
    expect(aerOf(here.hardware, ENDPOINT)).toBe(0);
    here.hardware.detect(ENDPOINT, { uncorrectable: 'COMP_TIME' });
    expect(here.platform.interrupted(ROOT).map((event) => event.severity)).toEqual(['informative']);
  });

  it('has a normal channel, though the old one was left frozen', async () => {
    const here = await running(host(MACHINE), { [ENDPOINT]: WORKING });
    here.hardware.script({ fault: 'link_stays_down', bdf: ROOT, times: 1 });
    here.hardware.detect(ENDPOINT, { error: 'MALF_TLP' });
    await here.ended(1);
    expect(here.platform.channelOf(ENDPOINT)).toBe('frozen');
    replace(here, { kind: 'endpoint', bdf: ENDPOINT });
    expect(here.platform.channelOf(ENDPOINT)).toBe('normal');
    here.hardware.detect(ROOT, { error: 'COMP_TIME' });
    const [, second] = await here.ended(2);
    expect(second!.scope.members).toMatchObject([{ bdf: ENDPOINT, generation: 1, channel: 'normal' }]);
  });

  const switchOf = (driver: string): UpstreamPortDescription => ({
    kind: 'upstream_port',
    bdf: ENDPOINT,
    driver,
    below: [{ kind: 'downstream_port', bdf: '02:00.0', driver, below: [{ kind: 'endpoint', bdf: '03:00.0' }] }],
  });

  it('a switch that is plugged in has its configuration restored after a reset, like one that was there', async () => {
    const before = host({ rootPorts: [{ kind: 'root_port', bdf: ROOT, below: [switchOf('another')] }] });
    const here = await running(before, { '03:00.0': WORKING });
    replace(here, switchOf('pcieport'));
    here.hardware.detect(ROOT, { error: 'MALF_TLP' });
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('recovered');
    expect(factsOf(here.hardware, 'secondary_bus_reset_asserted').map((fact) => fact.bdf)).toEqual([ROOT]);
    expect(here.hardware.answers('03:00.0')).toBe(true);
  });

  it('that is gone by its turn is nobody: the recovery fails, nothing is reset', async () => {
    const here = await running(host(MACHINE), { [ENDPOINT]: WORKING });
    here.hardware.detect(ENDPOINT, { error: 'COMP_TIME' });
    here.hardware.remove(ENDPOINT);
    const [outcome] = await here.ended(1);
    expect(outcome!.usable).toEqual([]);
    expect(factsOf(here.hardware, 'secondary_bus_reset_asserted')).toEqual([]);
  });
});

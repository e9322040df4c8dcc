import { parseBdf, type ErrorEvent } from '@pci-recovery/core';
import { host, readAer, type Host, type Machine } from './host.js';

/**
 * A switch with two ports; below one a device with two functions and three virtual ones, below the other a bridge to
 * conventional PCI; a device with a virtual function on another bus; and what is inside the root complex.
 */
const MACHINE: Machine = {
  rootPorts: [
    {
      kind: 'root_port',
      bdf: '00:01.0',
      below: [
        {
          kind: 'upstream_port',
          bdf: '01:00.0',
          driver: 'pcieport',
          below: [
            {
              kind: 'downstream_port',
              bdf: '02:00.0',
              driver: 'pcieport',
              below: [
                { kind: 'endpoint', bdf: '03:00.1' },
                {
                  kind: 'endpoint',
                  bdf: '03:00.0',
                  driver: 'nvme',
                  virtualFunctions: ['03:00.4', '03:00.5', '03:00.6'].map((bdf) => ({ bdf })),
                },
              ],
            },
            {
              kind: 'downstream_port',
              bdf: '02:01.0',
              below: [
                {
                  kind: 'pcie_to_pci_bridge',
                  bdf: '04:00.0',
                  below: [{ kind: 'conventional', bdf: '05:00.0' }],
                },
              ],
            },
          ],
        },
      ],
    },
    {
      kind: 'root_port',
      bdf: '00:02.0',
      below: [{ kind: 'endpoint', bdf: '06:00.0', virtualFunctions: [{ bdf: '07:00.0' }] }],
    },
  ],
  eventCollectors: [{ kind: 'rcec', bdf: '00:1e.0', collects: [{ kind: 'rciep', bdf: '00:10.0' }] }],
  integrated: [
    { kind: 'rciep', bdf: '00:11.0' },
    { kind: 'endpoint', bdf: '00:05.0' },
  ],
};

const FUNCTIONS = ['03:00.0', '03:00.1', '03:00.4', '03:00.5', '03:00.6'];
const BELOW_SWITCH = ['02:00.0', ...FUNCTIONS, '02:01.0', '04:00.0', '05:00.0'];

const eventOf = ({ platform, hardware }: Host, bdf: string): ErrorEvent => ({
  platform: platform.name,
  sequence: 0,
  monotonic: 0,
  wall: 0,
  severity: 'fatal',
  device: { bdf: parseBdf(bdf), generation: hardware.generationOf(parseBdf(bdf)) },
  record: undefined,
});

const long = (bdfs: readonly string[]): string[] => bdfs.map((bdf) => parseBdf(bdf));

describe('whom an error concerns (err.c:pcie_do_recovery, pci_walk_bridge)', () => {
  it.each([
    ['a root port', '00:01.0', 'below 0000:00:01.0', ['01:00.0', ...BELOW_SWITCH]],
    ['a switch upstream port', '01:00.0', 'below 0000:00:01.0', ['01:00.0', ...BELOW_SWITCH]],
    ['a switch downstream port', '02:00.0', 'below 0000:02:00.0', FUNCTIONS],
    ['an endpoint', '03:00.0', 'below 0000:02:00.0', FUNCTIONS],
    ['another function of it', '03:00.1', 'below 0000:02:00.0', FUNCTIONS],
    ['a virtual function on its bus', '03:00.5', 'below 0000:02:00.0', FUNCTIONS],
    ['a bridge to conventional PCI', '04:00.0', 'below 0000:02:01.0', ['04:00.0', '05:00.0']],
    ['a conventional function', '05:00.0', 'below 0000:04:00.0', ['05:00.0']],
    ['a virtual function on a bus of its own', '07:00.0', 'below 0000:00:02.0', ['06:00.0']],
    ['its physical function: that bus has no bridge, and is not walked', '06:00.0', 'below 0000:00:02.0', ['06:00.0']],
    ['an event collector: not the RCiEPs that it collects for', '00:1e.0', '0000:00:1e.0', ['00:1e.0']],
    ['an RCiEP: not its event collector', '00:10.0', '0000:00:10.0', ['00:10.0']],
    ['an RCiEP without event collector', '00:11.0', '0000:00:11.0', ['00:11.0']],
    ['an endpoint without a bridge above it', '00:05.0', '0000:00:05.0', ['00:05.0']],
    ['a function that is not there', '7f:00.0', 'gone 0000:7f:00.0', []],
  ])('%s (%s): %s, depth first in the order of addresses', (_, bdf, id, members) => {
    const here = host(MACHINE);
    const scope = here.platform.scopeOf(eventOf(here, bdf));
    expect(scope.id).toBe(id);
    expect(scope.members.map((member) => member.bdf)).toEqual(long(members));
    expect(scope.members.some((member) => scope.id === `below ${member.bdf}`)).toBe(false);
  });

  it('tells of each member: bridge, driver, channel, generation', () => {
    const here = host(MACHINE);
    here.hardware.remove('03:00.1');
    here.hardware.plug('02:00.0', { kind: 'endpoint', bdf: '03:00.1', driver: 'nvme' });
    here.platform.beforeCallback({ bdf: parseBdf('03:00.0'), generation: 0 }, 'errorDetected', 'frozen');
    const { members } = here.platform.scopeOf(eventOf(here, '00:01.0'));
    expect(
      members.map(({ bdf, bridge, driver, channel, generation }) => [bdf, bridge, driver, channel, generation]),
    ).toEqual([
      ['0000:01:00.0', true, true, 'normal', 0],
      ['0000:02:00.0', true, true, 'normal', 0],
      ['0000:03:00.0', false, true, 'frozen', 0],
      ['0000:03:00.1', false, true, 'normal', 1],
      ['0000:03:00.4', false, false, 'normal', 0],
      ['0000:03:00.5', false, false, 'normal', 0],
      ['0000:03:00.6', false, false, 'normal', 0],
      ['0000:02:01.0', true, false, 'normal', 0],
      ['0000:04:00.0', true, false, 'normal', 0],
      ['0000:05:00.0', false, false, 'normal', 0],
    ]);
  });

  it.each([
    [undefined, true],
    [true, true],
    [false, { absent: 'Firmware keeps control of AER (ACPI _OSC).' }],
  ])('tells what can be done: native AER %s', (nativeAer, native_aer) => {
    const here = host({ ...MACHINE, ...(nativeAer === undefined ? {} : { nativeAer }) });
    expect(here.platform.scopeOf(eventOf(here, '00:01.0')).capabilities).toEqual({ native_aer, link_reset: true });
    expect(here.platform.capabilities).toEqual({ native_aer, link_reset: true });
  });

  it('asks no hardware', () => {
    const here = host({ ...MACHINE, log: { configReads: true } });
    here.hardware.clearLog();
    for (const fn of here.hardware.topology.functions()) here.platform.scopeOf(eventOf(here, fn.bdf));
    expect(here.hardware.log).toEqual([]);
    expect(readAer(here.hardware, parseBdf('00:01.0'), 0x30)).toBe(0);
  });
});

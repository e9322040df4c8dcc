import { VirtualClock } from '@pci-recovery/core/testing';
import { decodeFunction, decodeHeader } from '@pci-recovery/pci';
import { simulate, type MachineDescription } from '../../src/sim/index.js';
import { AT, bigMachine, bytesOf, codeOf, EVERYBODY } from './machines.js';

describe('a described machine', () => {
  const { hardware } = bigMachine();

  it.each(EVERYBODY.filter((bdf) => bdf !== AT.conventional))(
    '%s has a configuration space that a decoder has nothing to say about',
    (bdf) => {
      const decoded = decodeFunction(bytesOf(hardware, bdf), { bdf });
      expect(decoded.findings).toEqual([]);
      expect(decoded.pcie?.portType).toBe(hardware.topology.get(bdf)?.portType);
      expect(decoded.aer).toBeDefined();
      expect(decoded.header?.layout).toBe(hardware.topology.get(bdf)?.bridge ? 'bridge' : 'normal');
    },
  );

  it('numbers its buses as the topology says, leaving room for everything below', () => {
    for (const fn of hardware.topology.functions()) {
      if (!fn.bridge) continue;
      const header = decodeHeader(bytesOf(hardware, fn.bdf, 64));
      if (header.layout !== 'bridge') throw new Error('no bridge');
      expect([header.secondaryBus, header.subordinateBus]).toEqual([fn.secondary, fn.subordinate]);
    }
    expect(hardware.topology.get(AT.switchRoot)).toMatchObject({ secondary: 2, subordinate: 5 });
    expect(hardware.topology.rootPort(AT.leaf2)?.bdf).toBe(AT.switchRoot);
  });

  it('says which functions share a device (header type bit 7)', () => {
    const multi = (bdf: (typeof EVERYBODY)[number]): boolean => (hardware.readConfig(bdf, 0x0e, 1) & 0x80) !== 0;
    expect(EVERYBODY.filter(multi)).toEqual([AT.endpoint, AT.sibling]);
  });

  it('associates RCiEPs with their event collector, by bitmap and by bus range (PCIe §7.9.10)', () => {
    expect(hardware.topology.get(AT.rciep)?.eventCollector).toBe(AT.rcec);
    expect(hardware.topology.get(AT.lonelyRciep)?.eventCollector).toBeUndefined();
    const at = decodeFunction(bytesOf(hardware, AT.rcec)).extendedCapabilities.find(({ id }) => id === 7)!.offset;
    expect(hardware.readConfig(AT.rcec, at + 4, 4)).toBe(1 << 0x0b);
    expect(hardware.readConfig(AT.rcec, at + 8, 4)).toBe(0xff00);
    const other = simulate({
      clock: new VirtualClock(),
      eventCollectors: [
        {
          kind: 'rcec',
          bdf: '6a:00.4',
          collects: [
            { kind: 'rciep', bdf: '6b:00.0' },
            { kind: 'rciep', bdf: '6d:01.0' },
          ],
        },
      ],
    });
    const [collector] = other.topology.functions();
    expect(other.readConfig(collector!.bdf, at + 8, 4)).toBe((0x6d << 16) | (0x6b << 8));
  });

  it('gives a virtual function its routing id by offset and stride, and ids that read all ones (PCIe §9.3.4.1)', () => {
    const { sriov } = decodeFunction(bytesOf(hardware, AT.pf));
    expect(sriov?.registers).toMatchObject({ numVfs: 2, totalVfs: 2, firstVfOffset: 0x80, vfStride: 2 });
    expect(hardware.readConfig(AT.vf0, 0, 4)).toBe(0xffff_ffff);
    expect(hardware.readConfig(AT.vf0, 4, 4)).not.toBe(0xffff_ffff);
    expect(hardware.topology.get(AT.vf1)?.physicalFunction).toBe(AT.pf);
  });

  it('is as a power-on leaves it when it is not configured: nothing is reported', () => {
    const raw = bigMachine({ configured: false }).hardware;
    expect(raw.readConfig(AT.root, 0x3e, 2)).toBe(0);
    expect(raw.readConfig(AT.endpoint, 0x04, 2)).toBe(0);
    expect(raw.readConfig(AT.root, 0x12c, 4)).toBe(0);
    expect(raw.detect(AT.endpoint, { error: 'MALF_TLP' })).toEqual([]);
  });
});

describe('a description that cannot be', () => {
  const clock = new VirtualClock();
  const endpoint = { kind: 'endpoint', bdf: '01:00.0' } as const;
  const port = (below: unknown[], more: object = {}): MachineDescription =>
    ({ clock, rootPorts: [{ kind: 'root_port', bdf: '00:01.0', below, ...more }] }) as MachineDescription;

  it.each<[string, MachineDescription]>([
    ['an address twice', port([endpoint, endpoint])],
    ['functions of two buses below one port', port([endpoint, { kind: 'endpoint', bdf: '02:00.0' }])],
    ['a function of another domain', port([{ kind: 'endpoint', bdf: '0001:01:00.0' }])],
    ['a bus that is not below its bridge', port([{ kind: 'endpoint', bdf: '00:02.0' }])],
    ['a bridge with nothing below and no bus number', port([])],
    ['a root port below a root port', port([{ kind: 'root_port', bdf: '01:00.0', secondary: 2 }])],
    ['an RCiEP below a port', port([{ kind: 'rciep', bdf: '01:00.0' }])],
    ['a downstream port on the root bus', { clock, rootPorts: [{ kind: 'downstream_port' } as never] }],
    ['no vector', port([{ ...endpoint, msix: { vectors: 0 } }])],
    ['too many vectors', port([{ ...endpoint, msix: { vectors: 2049 } }])],
    ['a time that is none', port([{ ...endpoint, readyAfterMs: NaN }])],
    ['a negative time', port([endpoint], { linkUpAfterMs: -1 })],
    ['a link speed that is none', port([endpoint], { linkSpeed: 7 })],
    ['too many header records', port([{ ...endpoint, headerRecords: 33 }])],
    ['virtual functions before the physical one', port([{ ...endpoint, virtualFunctions: [{ bdf: '00:1f.0' }] }])],
    [
      'virtual functions without a stride',
      port([{ ...endpoint, virtualFunctions: [{ bdf: '01:10.0' }, { bdf: '01:10.2' }, { bdf: '01:10.3' }] }]),
    ],
    ['registers of another kind', port([{ ...endpoint, registers: new Uint8Array(256) }])],
    ['registers that are too short', port([{ ...endpoint, registers: new Uint8Array(10) }])],
  ])('%s: refused, with a typed error', (_, description) => {
    expect(codeOf(() => simulate(description))).toBe('ERR_PCI_SIM_BAD_MACHINE');
  });

  it('an address that is none: refused, with a typed error', () => {
    expect(codeOf(() => simulate(port([{ kind: 'endpoint', bdf: '01:00.9' }])))).toBe('ERR_PCI_BAD_BDF');
  });

  it('the message names the function', () => {
    expect(() => simulate(port([endpoint, { kind: 'endpoint', bdf: '02:00.0' }]))).toThrow(/0000:02:00\.0/);
  });
});

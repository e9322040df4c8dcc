import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseBdf, type Bdf } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { parseLspciDump, type DumpedDevice, type LspciDump } from '@pci-recovery/pci/lspci';
import fc from 'fast-check';
import { functionFromDump, simulate, simulateFromDump, type SimulatedHardware } from '../../src/sim/index.js';
import { AER, aer, answers, AT, bigMachine, bytesOf, codeOf, EVERYBODY, resetBus, setAer } from './machines.js';

/** A machine dumped as lspci -xxxx would see it. */
function dumpOf(hardware: SimulatedHardware): LspciDump {
  const devices = EVERYBODY.map((bdf, line): DumpedDevice => {
    const bytes = bytesOf(hardware, bdf, bdf === AT.conventional ? 256 : 4096);
    return { bdf, description: 'simulated', bytes, line: line + 1 };
  });
  return { devices, findings: [] };
}

describe('a machine made from a dump', () => {
  const original = bigMachine().hardware;
  const again = (): SimulatedHardware => simulateFromDump(dumpOf(original), { clock: new VirtualClock() });

  it('has the registers that were dumped', () => {
    const hardware = again();
    for (const bdf of EVERYBODY) expect(bytesOf(hardware, bdf)).toEqual(bytesOf(original, bdf));
  });

  it('has the tree that its bridges, event collectors and physical functions say', () => {
    const hardware = again();
    for (const fn of original.topology.functions()) {
      const { driver: _, ...rest } = fn;
      expect(hardware.topology.get(fn.bdf)).toEqual(rest);
    }
    expect(hardware.topology.rootPort(AT.leaf2)?.bdf).toBe(AT.switchRoot);
    expect(hardware.topology.size).toBe(original.topology.size);
  });

  it('reports errors as the original does', () => {
    const hardware = again();
    for (const [source, root] of [
      [AT.leaf1, AT.switchRoot],
      [AT.vf1, AT.vfRoot],
      [AT.rciep, AT.rcec],
    ] as const) {
      expect(hardware.detect(source, { error: 'COMP_TIME' })[0]?.received).toBe(true);
      expect(aer(hardware, root, AER.ROOT_STATUS)).toBe(0x24);
    }
  });

  it('is reset as the original is', () => {
    const [clock, hardware] = [new VirtualClock(), again()];
    hardware.detect(AT.endpoint, { error: 'MALF_TLP' });
    resetBus({ clock, hardware }, AT.root);
    expect(hardware.readConfig(AT.endpoint, 4, 2)).toBe(0);
    expect(aer(hardware, AT.endpoint, AER.UNCOR_STATUS)).toBe(1 << 18);
    hardware.writeConfig(AT.endpoint, 4, 2, 2);
    expect(hardware.readMemory(AT.endpoint, 0, 0x100c)).toBe(1);
  });

  it('does not answer where all ones were dumped', () => {
    const [device] = dumpOf(original).devices;
    const bytes = new Uint8Array(256).fill(0xff);
    const hardware = simulateFromDump(
      { devices: [{ ...device!, bytes }], findings: [] },
      { clock: new VirtualClock() },
    );
    expect(hardware.answers(device!.bdf)).toBe(false);
  });

  it('takes up an error that was logged when it was dumped', () => {
    const broken = bigMachine().hardware;
    broken.detect(AT.endpoint, { error: 'COMP_TIME', header: [1, 2, 3, 4] });
    const hardware = simulateFromDump(dumpOf(broken), { clock: new VirtualClock() });
    hardware.detect(AT.endpoint, { error: 'MALF_TLP', header: [5, 6, 7, 8] });
    expect(aer(hardware, AT.endpoint, AER.HEADER_LOG)).toBe(1);
    setAer(hardware, AT.endpoint, AER.UNCOR_STATUS, 0xffff_ffff);
    expect(aer(hardware, AT.endpoint, AER.CAP_CONTROL) & 0x1f).toBe(0);
  });

  it('knows the drivers that it is told', () => {
    const drivers = { [AT.endpoint]: 'nvme' };
    const hardware = simulateFromDump(dumpOf(original), { clock: new VirtualClock(), drivers });
    expect(hardware.topology.get(AT.endpoint)?.driver).toBe('nvme');
  });

  it('is refused when the dump has no function, or one twice', () => {
    const clock = new VirtualClock();
    const { devices } = dumpOf(original);
    expect(codeOf(() => simulateFromDump({ devices: [], findings: [] }, { clock }))).toBe('ERR_PCI_SIM_BAD_DUMP');
    const twice = { devices: [...devices, devices[0]!], findings: [] };
    expect(codeOf(() => simulateFromDump(twice, { clock }))).toBe('ERR_PCI_SIM_BAD_DUMP');
  });

  it('can be made of any bytes, and used, without an exception', () => {
    const device = fc.record({
      bus: fc.nat(3),
      slot: fc.nat(3),
      bytes: fc.uint8Array({ maxLength: 300 }),
      from: fc.constantFrom(...EVERYBODY),
      flips: fc.array(fc.tuple(fc.nat(0x160), fc.nat(0xff)), { maxLength: 12 }),
      real: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(device, { maxLength: 5, minLength: 1, selector: ({ bus, slot }) => bus * 8 + slot }),
        (all) => {
          const devices = all.map(({ bus, slot, bytes, from, flips, real }): DumpedDevice => {
            const own = real ? bytesOf(original, from, 0x180) : bytes;
            for (const [at, value] of real ? flips : []) own[at] = value;
            return { bdf: parseBdf(`0${bus}:0${slot}.0`), description: '', bytes: own, line: 1 };
          });
          const hardware = simulateFromDump({ devices, findings: [] }, { clock: new VirtualClock() });
          for (const { bdf } of devices) {
            for (let at = 0; at < 0x200; at += 4) hardware.writeConfig(bdf, at, 4, 0xffff_ffff);
            expect(bytesOf(hardware, bdf).every((byte) => Number.isInteger(byte))).toBe(true);
            expect(['ERR_PCI_SIM_CANNOT_DETECT', undefined]).toContain(
              codeOf(() => hardware.detect(bdf, { error: 'COMP_TIME', wholeDevice: true })),
            );
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('one dumped function in a described machine', () => {
  const device = dumpOf(bigMachine().hardware).devices[1]!;

  it('goes where it is put, with the registers it had', () => {
    const endpoint = functionFromDump(device, { bdf: '03:00.0', driver: 'e1000e', readyAfterMs: 5 });
    const hardware = simulate({
      clock: new VirtualClock(),
      rootPorts: [{ kind: 'root_port', bdf: '00:01.0', below: [endpoint as never] }],
    });
    const bdf = parseBdf('03:00.0');
    expect(bytesOf(hardware, bdf)).toEqual(device.bytes);
    expect(hardware.topology.get(bdf)).toMatchObject({ portType: 'endpoint', driver: 'e1000e' });
    expect(hardware.detect(bdf, { error: 'MALF_TLP' })[0]?.received).toBe(true);
  });

  it('as a port it gets the bus numbers of its new place', () => {
    const port = dumpOf(bigMachine().hardware).devices.find(({ bdf }) => bdf === AT.switchRoot)!;
    const description = { ...functionFromDump(port, { bdf: '0001:20:00.0' }), secondary: 0x21 };
    const hardware = simulate({ clock: new VirtualClock(), rootPorts: [description as never] });
    const bdf = parseBdf('0001:20:00.0');
    expect(hardware.readConfig(bdf, 0x18, 4)).toBe(0x0021_2120);
    expect(hardware.readConfig(bdf, 0x52, 2) & 0x2000).toBe(0);
  });

  it('can be plugged in', () => {
    const { hardware } = bigMachine();
    hardware.remove(AT.endpoint);
    hardware.plug(AT.root, functionFromDump(device));
    expect(hardware.generationOf(AT.endpoint)).toBe(1);
    expect(answers(hardware, AT.endpoint)).toBe(true);
  });

  it('is refused as a bridge that no description has', () => {
    const bytes = new Uint8Array(64);
    bytes[0x0e] = 1;
    expect(codeOf(() => functionFromDump({ ...device, bytes }))).toBe('ERR_PCI_SIM_BAD_DUMP');
  });
});

const DUMPS = join(dirname(fileURLToPath(import.meta.url)), '../../../../../shared/data/pci-config-dumps');
const present = existsSync(DUMPS);
const names = present ? readdirSync(DUMPS) : ['(SKIPPED: ../shared/data/pci-config-dumps is not there)'];

describe('real dumps', () => {
  const check = present ? it : it.skip;

  check.each(names)('%s: registers as dumped; writing them all and resetting throws nothing', (name) => {
    const dump = parseLspciDump(readFileSync(join(DUMPS, name)));
    const clock = new VirtualClock();
    const hardware = simulateFromDump(dump, { clock });
    for (const { bdf, bytes } of dump.devices) {
      const silent = bytes.subarray(0, 16).every((byte) => byte === 0xff);
      if (!silent && hardware.answers(bdf)) expect(bytesOf(hardware, bdf, bytes.length)).toEqual(bytes);
    }
    for (const fn of hardware.topology.functions()) {
      for (let at = 0; at < 4096; at += 4) hardware.writeConfig(fn.bdf, at, 4, 0xffff_ffff);
      if (fn.bridge) resetBus({ clock, hardware }, fn.bdf);
    }
  });

  check('tree-fujitsu-p8010: the tree is the one that lspci -t would draw', () => {
    if (!names.includes('tree-fujitsu-p8010')) throw new Error('tree-fujitsu-p8010 is missing');
    const dump = parseLspciDump(readFileSync(join(DUMPS, 'tree-fujitsu-p8010')));
    const hardware = simulateFromDump(dump, { clock: new VirtualClock() });
    const above = (bdf: string): Bdf | undefined => hardware.topology.upstreamBridge(parseBdf(bdf))?.bdf;
    expect([above('04:00.0'), above('14:00.0'), above('1c:03.2'), above('1d:00.0')]).toEqual([
      '0000:00:1c.0',
      '0000:00:1c.4',
      '0000:00:1e.0',
      '0000:1c:03.0',
    ]);
    for (const fn of hardware.topology.functions()) expect([fn.bdf, hardware.answers(fn.bdf)]).toEqual([fn.bdf, true]);
  });

  check('cap-aer-log: the root port receives a message and interrupts once its enables are set', () => {
    const dump = parseLspciDump(readFileSync(join(DUMPS, 'cap-aer-log')));
    const [device] = dump.devices;
    const port = { ...functionFromDump(device!), below: [{ kind: 'endpoint', bdf: '02:00.0' }] };
    const hardware = simulate({ clock: new VirtualClock(), rootPorts: [port as never] });
    hardware.writeConfig(device!.bdf, 0x3e, 2, 2);
    hardware.writeConfig(device!.bdf, 0x48, 2, 0xf);
    hardware.writeConfig(device!.bdf, 0x12c, 4, 7);
    hardware.clearLog();
    expect(hardware.detect('02:00.0', { error: 'BAD_TLP' })).toMatchObject([{ received: true }]);
    expect(hardware.log.some(({ kind }) => kind === 'interrupt')).toBe(true);
  });
});

import { bdfParts, formatBdf, parseBdf, type Bdf } from '@pci-recovery/core';
import fc from 'fast-check';
import { placeFunctions, PciTopology, type TopologyFunction } from '../src/topology/index.js';

const fn = (address: string, more: Partial<TopologyFunction> = {}): TopologyFunction => ({
  bdf: parseBdf(address),
  bridge: false,
  ...more,
});
const bridge = (address: string, secondary: number, subordinate: number, more: Partial<TopologyFunction> = {}) =>
  fn(address, { bridge: true, secondary, subordinate, ...more });

/** A root port with a switch of two downstream ports, one of them empty, an endpoint with a VF, and an integrated one. */
const functions = [
  bridge('00:1c.0', 1, 4, { portType: 'root_port' }),
  fn('00:02.0', { portType: 'rciep' }),
  bridge('01:00.0', 2, 4, { portType: 'upstream_port' }),
  bridge('02:01.0', 4, 4, { portType: 'downstream_port' }),
  bridge('02:00.0', 3, 3, { portType: 'downstream_port' }),
  fn('03:00.1', { portType: 'endpoint' }),
  fn('03:00.0', { portType: 'endpoint' }),
  fn('30:10.0', { portType: 'endpoint', physicalFunction: parseBdf('03:00.0') }),
];
const topology = new PciTopology(functions);
const below = (address: string, of = topology): string[] =>
  [...of.below(parseBdf(address))].map(({ bdf }) => bdf.slice(5));

describe('the tree of buses', () => {
  it('is walked depth first, in order of address on each bus (Linux pci_walk_bus), without the bridge itself', () => {
    expect(below('00:1c.0')).toEqual(['01:00.0', '02:00.0', '03:00.0', '03:00.1', '02:01.0']);
    expect(below('02:00.0')).toEqual(['03:00.0', '03:00.1']);
  });

  it('has nothing below an empty bridge, an endpoint, and what is not there', () => {
    expect([below('02:01.0'), below('03:00.0'), below('07:00.0')]).toEqual([[], [], []]);
  });

  it('knows the bridge above a function; none on a root bus', () => {
    expect(topology.upstreamBridge(parseBdf('03:00.1'))?.bdf).toBe('0000:02:00.0');
    expect(topology.upstreamBridge(parseBdf('01:00.0'))?.bdf).toBe('0000:00:1c.0');
    expect(topology.upstreamBridge(parseBdf('00:1c.0'))).toBeUndefined();
  });

  it('counts a virtual function to the bridge of its physical function, whatever its bus number (R3.9)', () => {
    expect(topology.upstreamBridge(parseBdf('30:10.0'))?.bdf).toBe('0000:02:00.0');
    expect(topology.rootPort(parseBdf('30:10.0'))?.bdf).toBe('0000:00:1c.0');
  });

  it('finds the root port above, or the root port itself; none for integrated endpoints', () => {
    expect(['03:00.0', '02:01.0', '00:1c.0'].map((address) => topology.rootPort(parseBdf(address))?.bdf)).toEqual(
      Array(3).fill('0000:00:1c.0'),
    );
    expect(topology.rootPort(parseBdf('00:02.0'))).toBeUndefined();
    expect(topology.rootPort(parseBdf('07:00.0'))).toBeUndefined();
  });

  it('gives everything in the order in which it came, and each bus in order of address', () => {
    expect([...topology.functions()]).toEqual(functions);
    expect([topology.size, topology.get(parseBdf('02:00.0'))?.secondary]).toEqual([8, 3]);
    expect(topology.onBus(0, 3).map(({ bdf }) => bdf)).toEqual(['0000:03:00.0', '0000:03:00.1']);
    expect(topology.onBus(1, 3)).toEqual([]);
  });

  it('keeps domains apart, above 0xffff as well', () => {
    const two = new PciTopology([
      bridge('10000:00:00.0', 1, 1, { portType: 'root_port' }),
      fn('10000:01:00.0'),
      bridge('0000:00:00.0', 1, 1, { portType: 'root_port' }),
      fn('0000:01:00.0'),
    ]);
    expect([...two.below(parseBdf('10000:00:00.0'))].map(({ bdf }) => bdf)).toEqual(['10000:01:00.0']);
    expect(two.rootPort(parseBdf('0000:01:00.0'))?.bdf).toBe('0000:00:00.0');
  });
});

describe('bridges that nobody set up rightly', () => {
  it.each([
    ['to its own bus', [bridge('01:00.0', 1, 1), fn('01:01.0')]],
    ['upwards', [bridge('00:01.0', 1, 2), bridge('01:00.0', 2, 2), bridge('02:00.0', 1, 2)]],
    ['to bus 0', [bridge('00:01.0', 0, 0), bridge('01:00.0', 0, 0)]],
  ])('a secondary bus that leads %s makes no endless walk', (_, made) => {
    const tree = new PciTopology(made);
    for (const { bdf } of made) {
      expect([...tree.below(bdf)].length).toBeLessThanOrEqual(made.length);
      expect(() => tree.rootPort(bdf)).not.toThrow();
    }
  });

  it('visits no function twice, whatever the secondary buses are', () => {
    const made = fc.uniqueArray(
      fc.record({ bus: fc.nat(7), device: fc.nat(3), bridge: fc.boolean(), secondary: fc.nat(7) }),
      { selector: ({ bus, device }) => bus * 32 + device, maxLength: 24 },
    );
    fc.assert(
      fc.property(made, (rows) => {
        const all = rows.map(({ bus, device, bridge: isBridge, secondary }): TopologyFunction => {
          const bdf = formatBdf({ domain: 0, bus, device, function: 0 });
          return { bdf, bridge: isBridge, ...(isBridge && { secondary, subordinate: 7 }) };
        });
        const tree = new PciTopology(all);
        for (const { bdf } of all) {
          const walked: Bdf[] = [...tree.below(bdf)].map((one) => one.bdf);
          expect(new Set(walked).size).toBe(walked.length);
          expect(walked).not.toContain(bdf);
          for (const one of walked) expect(bdfParts(one).bus).toBeGreaterThan(bdfParts(bdf).bus);
        }
      }),
    );
  });
});

it('does not follow virtual functions that claim each other as physical function', () => {
  const [a, b] = [parseBdf('05:00.0'), parseBdf('06:00.0')];
  const circle = new PciTopology([fn(a, { physicalFunction: b }), fn(b, { physicalFunction: a })]);
  expect(circle.upstreamBridge(a)).toBeUndefined();
  expect(circle.rootPort(a)).toBeUndefined();
});

describe('functions placed by their configuration space', () => {
  const image = (bdf: string, registers: Readonly<Record<number, number>>): { bdf: Bdf; bytes: Uint8Array } => {
    const bytes = new Uint8Array(256);
    for (const [offset, value] of Object.entries(registers)) bytes[Number(offset)] = value;
    return { bdf: parseBdf(bdf), bytes };
  };
  /** Vendor, a capability list, and the PCI Express capability with the given port type. */
  const express = (type: number): Record<number, number> => ({
    0: 0x36,
    6: 0x10,
    0x34: 0x40,
    0x40: 0x10,
    0x42: type << 4,
  });

  it('a bridge has its bus numbers, and its port type comes from the PCI Express capability', () => {
    const root = image('00:01.0', { ...express(4), 0x0e: 0x01, 0x19: 1, 0x1a: 2 });
    const endpoint = image('01:00.0', express(0));
    expect(placeFunctions([root, endpoint]).map(({ topology }) => topology)).toEqual([
      { bdf: root.bdf, bridge: true, portType: 'root_port', secondary: 1, subordinate: 2 },
      { bdf: endpoint.bdf, bridge: false, portType: 'endpoint' },
    ]);
  });

  it('what 64 bytes do not say is left out, and nothing is invented', () => {
    const { bdf, bytes } = image('01:00.0', { 0: 0x36, 6: 0x10, 0x34: 0x40 });
    expect(placeFunctions([{ bdf, bytes: bytes.subarray(0, 64) }])[0]!.topology).toEqual({ bdf, bridge: false });
  });
});

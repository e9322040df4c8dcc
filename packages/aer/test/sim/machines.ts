import { isPciRecoveryError, parseBdf, type Bdf, type Clock } from '@pci-recovery/core';
import { AER, CAPABILITY_ID, EXTENDED_CAPABILITY_ID } from '@pci-recovery/pci';
import { VirtualClock } from '@pci-recovery/core/testing';
import { simulate, type MachineDescription, type SimulatedHardware } from '../../src/sim/index.js';

/** Addresses of the machine that {@link bigMachine} makes. */
export const AT = {
  root: parseBdf('0000:00:06.0'),
  endpoint: parseBdf('0000:01:00.0'),
  sibling: parseBdf('0000:01:00.1'),
  switchRoot: parseBdf('0000:00:07.0'),
  upstream: parseBdf('0000:02:00.0'),
  down1: parseBdf('0000:03:01.0'),
  down2: parseBdf('0000:03:02.0'),
  leaf1: parseBdf('0000:04:00.0'),
  leaf2: parseBdf('0000:05:00.0'),
  vfRoot: parseBdf('0000:00:08.0'),
  pf: parseBdf('0000:06:00.0'),
  vf0: parseBdf('0000:06:10.0'),
  vf1: parseBdf('0000:06:10.2'),
  pciRoot: parseBdf('0000:00:09.0'),
  pciBridge: parseBdf('0000:08:00.0'),
  conventional: parseBdf('0000:09:04.0'),
  rcec: parseBdf('0000:00:0a.0'),
  rciep: parseBdf('0000:00:0b.0'),
  lonelyRciep: parseBdf('0000:00:0c.0'),
  absent: parseBdf('0000:7f:00.0'),
} as const;

/** One of every kind. */
export const bigDescription = (clock: Clock): MachineDescription => ({
  clock,
  rootPorts: [
    {
      kind: 'root_port',
      bdf: AT.root,
      below: [
        { kind: 'endpoint', bdf: AT.endpoint, driver: 'nvme', bist: true },
        { kind: 'endpoint', bdf: AT.sibling },
      ],
    },
    {
      kind: 'root_port',
      bdf: AT.switchRoot,
      below: [
        {
          kind: 'upstream_port',
          bdf: AT.upstream,
          below: [
            { kind: 'downstream_port', bdf: AT.down1, below: [{ kind: 'endpoint', bdf: AT.leaf1 }] },
            { kind: 'downstream_port', bdf: AT.down2, below: [{ kind: 'legacy_endpoint', bdf: AT.leaf2 }] },
          ],
        },
      ],
    },
    {
      kind: 'root_port',
      bdf: AT.vfRoot,
      below: [{ kind: 'endpoint', bdf: AT.pf, virtualFunctions: [{ bdf: AT.vf0 }, { bdf: AT.vf1 }] }],
    },
    {
      kind: 'root_port',
      bdf: AT.pciRoot,
      below: [
        { kind: 'pcie_to_pci_bridge', bdf: AT.pciBridge, below: [{ kind: 'conventional', bdf: AT.conventional }] },
      ],
    },
  ],
  eventCollectors: [{ kind: 'rcec', bdf: AT.rcec, collects: [{ kind: 'rciep', bdf: AT.rciep }] }],
  integrated: [{ kind: 'rciep', bdf: AT.lonelyRciep }],
});

export interface Bench {
  readonly clock: VirtualClock;
  readonly hardware: SimulatedHardware;
}

export function bigMachine(change: Partial<MachineDescription> = {}): Bench {
  const clock = new VirtualClock();
  return { clock, hardware: simulate({ ...bigDescription(clock), ...change }) };
}

/** Every function of the big machine. */
export const EVERYBODY: readonly Bdf[] = Object.entries(AT)
  .filter(([name]) => name !== 'absent')
  .map(([, bdf]) => bdf);

/** Registers of the simulated functions that are not made from dumps. */
export const PCIE_AT = 0x40;
export const AER_AT = 0x100;

export const aer = (hardware: SimulatedHardware, bdf: Bdf, register: number): number =>
  hardware.readConfig(bdf, AER_AT + register, 4);
export const setAer = (hardware: SimulatedHardware, bdf: Bdf, register: number, value: number): void =>
  hardware.writeConfig(bdf, AER_AT + register, 4, value);
export const pcie = (hardware: SimulatedHardware, bdf: Bdf, register: number): number =>
  hardware.readConfig(bdf, PCIE_AT + register, 2);
export const setPcie = (hardware: SimulatedHardware, bdf: Bdf, register: number, value: number): void =>
  hardware.writeConfig(bdf, PCIE_AT + register, 2, value);

/** The whole configuration space of a function, byte by byte. */
export function bytesOf(hardware: SimulatedHardware, bdf: Bdf, length = 4096): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = hardware.readConfig(bdf, at, 1);
  return bytes;
}

/** Finds an extended capability as software does. */
export function extendedCapability(hardware: SimulatedHardware, bdf: Bdf, id: number): number {
  for (let at = 0x100; at !== 0;) {
    const header = hardware.readConfig(bdf, at, 4);
    if ((header & 0xffff) === id) return at;
    at = header >>> 20;
  }
  return 0;
}

export { AER, CAPABILITY_ID, EXTENDED_CAPABILITY_ID };

/** Facts of one kind. */
export const facts = (hardware: SimulatedHardware, kind: string): readonly { readonly bdf: Bdf }[] =>
  hardware.log.filter((fact) => fact.kind === kind);

const BRIDGE_CONTROL = 0x3e;

/** Asserts, holds for `ms`, and deasserts Secondary Bus Reset. */
export function resetBus({ clock, hardware }: Bench, bridge: Bdf, ms = 2): void {
  const control = hardware.readConfig(bridge, BRIDGE_CONTROL, 2);
  hardware.writeConfig(bridge, BRIDGE_CONTROL, 2, control | 0x40);
  clock.advance(ms);
  hardware.writeConfig(bridge, BRIDGE_CONTROL, 2, control & ~0x40);
}

const LINK_ACTIVE = 0x2000;
export const answers = (hardware: SimulatedHardware, bdf: Bdf): boolean =>
  hardware.readConfig(bdf, 4, 4) !== 0xffff_ffff;
export const linkActive = (hardware: SimulatedHardware, port: Bdf): boolean =>
  (pcie(hardware, port, 0x12) & LINK_ACTIVE) !== 0;
export const assertReset = (hardware: SimulatedHardware, bridge: Bdf): void =>
  hardware.writeConfig(bridge, 0x3e, 2, hardware.readConfig(bridge, 0x3e, 2) | 0x40);
export const whoWasReset = (hardware: SimulatedHardware): Bdf[] =>
  facts(hardware, 'function_reset').map(({ bdf }) => bdf);

/** Gives the bridges above their bus numbers back, as software does. */
export function renumber(hardware: SimulatedHardware, ...bridges: Bdf[]): void {
  for (const bdf of bridges) {
    const { secondary, subordinate } = hardware.topology.get(bdf)!;
    hardware.writeConfig(bdf, 0x18, 4, (subordinate! << 16) | (secondary! << 8) | parseInt(bdf.slice(5, 7), 16));
  }
}

/** A root port whose link takes 10 ms, and an endpoint that takes 50 ms more. */
export function slow(): Bench {
  const clock = new VirtualClock();
  const hardware = simulate({
    clock,
    rootPorts: [
      {
        kind: 'root_port',
        bdf: AT.root,
        linkUpAfterMs: 10,
        below: [
          { kind: 'endpoint', bdf: AT.endpoint, readyAfterMs: 50 },
          { kind: 'endpoint', bdf: AT.sibling, readyAfterMs: 80 },
        ],
      },
    ],
  });
  return { clock, hardware };
}

/** The code of the typed error that an attempt ends with. */
export const codeOf = (attempt: () => unknown): string | undefined => {
  try {
    attempt();
  } catch (error) {
    return isPciRecoveryError(error) ? error.code : 'not typed';
  }
  return undefined;
};

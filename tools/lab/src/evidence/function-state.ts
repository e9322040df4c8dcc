import { parseBdf, type Bdf } from '@pci-recovery/core';
import { decodeFunction, type PciFunction } from '@pci-recovery/pci';
import { placeFunctions, type TopologyFunction } from '@pci-recovery/pci/topology';
import { type FunctionSnapshot } from '../guest/snapshot.js';
import { countersSince, parseCounters, type AerCounters } from './counters.js';

/** A PCI function of the guest at one moment, as sysfs showed it. */
export interface FunctionState {
  readonly bdf: Bdf;
  readonly config: Uint8Array;
  readonly decoded: PciFunction;
  readonly driver: string | undefined;
  readonly iommuGroup: string | undefined;
  readonly counters: AerCounters;
}

/** All functions at one moment, by address. */
export type GuestState = ReadonlyMap<Bdf, FunctionState>;

function stateOf({ bdf: address, config, driver, iommuGroup, counters }: FunctionSnapshot): FunctionState {
  const bdf = parseBdf(address);
  const bytes = Buffer.from(config, 'base64');
  const numbers = Object.entries(counters).map(([file, text]) => parseCounters(file, text));
  return {
    bdf,
    config: bytes,
    decoded: decodeFunction(bytes, { bdf }),
    driver,
    iommuGroup,
    counters: Object.assign({}, ...numbers) as AerCounters,
  };
}

/** What the guest's snapshot says. */
export const guestState = (snapshot: readonly FunctionSnapshot[]): GuestState =>
  new Map(snapshot.map(stateOf).map((state) => [state.bdf, state]));

/** What each function is, where it is in the tree of buses, and which driver it has. */
export const functionsOf = (state: GuestState): readonly TopologyFunction[] =>
  placeFunctions([...state.values()].map(({ bdf, config }) => ({ bdf, bytes: config }))).map(({ topology }) => {
    const driver = state.get(topology.bdf)?.driver;
    return { ...topology, ...(driver !== undefined && { driver }) };
  });

/** The registers that tell whether a function can work and what it has seen, by their names in the specification. */
export interface ErrorRegisters {
  readonly command: number;
  readonly deviceControl: number;
  readonly deviceStatus: number;
  readonly uncorrectableStatus: number;
  readonly correctableStatus: number;
}

/** Those of one function; undefined when it is absent, or has no AER capability. */
export function errorRegisters(state: FunctionState | undefined): ErrorRegisters | undefined {
  const { header, pcie, aer } = state?.decoded ?? {};
  if (!header || !pcie || !aer) return undefined;
  return {
    command: header.registers.command,
    deviceControl: pcie.registers.deviceControl,
    deviceStatus: pcie.registers.deviceStatus,
    uncorrectableStatus: aer.registers.uncorrectableStatus,
    correctableStatus: aer.registers.correctableStatus,
  };
}

/** What each function counted between two moments; those that counted nothing are left out. */
export function counted(before: GuestState, after: GuestState): Readonly<Record<Bdf, AerCounters>> {
  const changes = [...after].map(([bdf, { counters }]) => {
    return [bdf, countersSince(before.get(bdf)?.counters ?? {}, counters)] as const;
  });
  return Object.fromEntries(changes.filter(([, counters]) => Object.keys(counters).length > 0));
}

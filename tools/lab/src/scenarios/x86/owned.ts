import { type Bdf } from '@pci-recovery/core';
import { type Evidence } from '../../evidence/evidence.js';
import { type OwnerInput } from '../../guest/owner/owner-input.js';
import { type MachineLayout, type RootPort } from '../../machine/machine.js';
import { type GuestProgram, type Said } from '../../session/guest-program.js';
import { type Lab } from '../../session/lab.js';
import { bindVfio } from './steps.js';

/** Functions that our own driver can drive, behind the IOMMU. */
const DRIVEN = { kind: 'rng', options: 'iommu_platform=on' } as const;

/** One function below a port of its own. */
const SINGLE: RootPort = { id: 'rp1', endpoints: [{ id: 'ep_single', ...DRIVEN }] };
/** Two functions of one device, in one IOMMU group. */
const PAIR: RootPort = {
  id: 'rp2',
  endpoints: [
    { id: 'ep_pair0', ...DRIVEN },
    { id: 'ep_pair1', ...DRIVEN },
  ],
};

/** The machine on which our own driver holds devices. */
export const OWNED: MachineLayout = { ports: [SINGLE, PAIR] };

/** How a recovery ended, as our engine in the guest says. */
export interface Ended extends Said {
  readonly result: string;
  readonly why: string;
  readonly usable: readonly Bdf[];
  readonly members: readonly Bdf[];
  readonly milliseconds: number;
  /** Callbacks with their answers, operations with their results. */
  readonly steps: readonly string[];
}

/** What our platform in the guest says of an error. */
export interface Received extends Said {
  readonly severity: string;
  readonly device: Bdf;
  readonly record: { readonly evidence: string; readonly sources: readonly Bdf[]; readonly concerns: readonly Bdf[] };
}

/** Binds endpoints to vfio-pci, and starts our driver on them: it has had a request completed by each when this returns. */
export async function own(
  lab: Lab,
  ids: readonly string[],
  input: Partial<Omit<OwnerInput, 'devices'>> = {},
): Promise<GuestProgram> {
  await bindVfio(lab, ...ids);
  return startOwner(lab, ids, input);
}

/** Starts our driver on endpoints that are bound already. */
export async function startOwner(
  lab: Lab,
  ids: readonly string[],
  input: Partial<Omit<OwnerInput, 'devices'>> = {},
): Promise<GuestProgram> {
  const devices = ids.map((id) => lab.bdf(id));
  const owner = await lab.guest.start('guest/owner/owner.js', { trace: true, ...input, devices } satisfies OwnerInput);
  await owner.until('held');
  return owner;
}

/** Where a driver's output is: what it says from now on is behind it. */
export const now = (owner: GuestProgram): number => owner.said.length;

/** Injects an error, and waits for the end of our recovery and for the kernel's. */
export async function recovered(lab: Lab, owner: GuestProgram, id: string, error: string): Promise<[Ended, Evidence]> {
  const from = now(owner);
  let ended: Ended | undefined;
  const evidence = await lab.observe(`${id}-${error.toLowerCase()}-${from}`, async () => {
    await lab.inject(id, error);
    ended = await owner.until<Ended>('ended', () => true, from);
  });
  return [ended!, evidence];
}

/** What our driver said of a kind since a position. */
export const saidSince = <T extends Said>(owner: GuestProgram, from: number, event: string): readonly T[] =>
  owner.said.slice(from).filter((one): one is T => one.event === event);

/** The callbacks that our driver got, in order. */
export const callbacks = (owner: GuestProgram, from: number): readonly string[] =>
  saidSince<Callback>(owner, from, 'callback').map(({ callback, bdf, channel }) =>
    [callback, bdf, channel].filter((word) => word !== undefined).join(' '),
  );

interface Callback extends Said {
  readonly callback: string;
  readonly bdf: Bdf;
  readonly channel?: string;
}

/** Whether the device completes a request of our driver, with an interrupt. */
export async function works(owner: GuestProgram, bdf: Bdf): Promise<boolean> {
  try {
    const { bytes } = await owner.ask<{ bytes: string }>('request', { bdf });
    return /[1-9a-f]/.test(bytes);
  } catch {
    return false;
  }
}

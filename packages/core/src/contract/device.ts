import { type Bdf } from '../bdf.js';
import { type Telling, type Voting } from './handlers.js';

/** A PCI function at one time of its life: unplugged and plugged in again, the same address has a new generation. */
export interface DeviceRef {
  readonly bdf: Bdf;
  /** Counts the functions seen at this address, from 0. */
  readonly generation: number;
}

/** How a function's channel to the host is (Linux `pci_channel_state_t`). */
export type ChannelState = 'normal' | 'frozen' | 'perm_failure';

/** A function of a recovery's scope as it was when the recovery started. */
export interface Member extends DeviceRef {
  /** It has a bridge header (type 1). */
  readonly bridge: boolean;
  readonly channel: ChannelState;
  /** A driver is bound to it, or handlers are attached. */
  readonly driver: boolean;
  /** The callbacks that its driver or its handlers have. */
  readonly handles: ReadonlySet<Voting | Telling>;
}

/** Whether something can be done for this scope right now, and if not, why. */
export type Capability = true | { readonly absent: string };

/** The functions that one recovery concerns, and what can be done for them. Read when the recovery starts. */
export interface RecoveryScope {
  /** The platform's own name of the scope: stable while the topology is. */
  readonly id: string;
  /** In the order in which the platform's kernel walks its buses: votes fold in this order. */
  readonly members: readonly Member[];
  readonly capabilities: Readonly<Record<string, Capability>>;
}

/** `a` and `b` are the same function in the same life. */
export const sameDevice = (a: DeviceRef, b: DeviceRef): boolean => a.bdf === b.bdf && a.generation === b.generation;

/** Just the reference of a member. */
export const refOf = (device: DeviceRef): DeviceRef => ({ bdf: device.bdf, generation: device.generation });

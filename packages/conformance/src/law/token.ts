import { type ChannelState, type Telling, type Voting } from '@pci-recovery/core';
import { type FactKind } from '../fact.js';

/** `a.errorDetected(frozen)`, `b.resume`: a callback in a timeline. Only `errorDetected` is told the channel. */
export const callToken = (name: string, callback: Voting | Telling, channel: ChannelState): string =>
  callback === 'errorDetected' ? `${name}.${callback}(${channel})` : `${name}.${callback}`;

/** `reset(a b)`: what was seen on the bus. The order of functions does not matter. */
export const actToken = (kind: FactKind, names: readonly string[]): string => `${kind}(${[...names].sort().join(' ')})`;

/** `a: BEGIN_RECOVERY`. */
export const ueventToken = (name: string, event: string): string => `${name}: ${event}`;

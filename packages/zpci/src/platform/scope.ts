import { type Capability, type Member, type RecoveryScope } from '@pci-recovery/core';
import { type ZpciFunction } from './zpci-function.js';

const NO_HANDLERS: Member['handles'] = new Set();

/** One function: a recovery never concerns its siblings (R2.10). Without any, there is no PCI function any more. */
export function scopeOfFunction(
  fid: number | undefined,
  fn: ZpciFunction | undefined,
  driven: boolean,
  capabilities: Readonly<Record<string, Capability>>,
): RecoveryScope {
  const id = fid === undefined ? 'nobody' : `fid 0x${fid.toString(16)}`;
  if (!fn?.present) return { id, members: [], capabilities };
  const { bdf, generation, channel } = fn;
  const member: Member = { bdf, generation, bridge: false, channel, driver: driven, handles: NO_HANDLERS };
  return { id, members: [member], capabilities };
}

import { type Bdf } from '../bdf.js';
import { type RecoveryScope } from '../contract/device.js';
import { type Extent } from '../contract/procedure.js';

/** How `scope` lies to the functions `held` by a recovery whose scope has the id `heldId`. */
export function extentOf(scope: RecoveryScope, held: ReadonlySet<Bdf>, heldId: string): Extent {
  if (scope.members.length === 0) return scope.id === heldId ? 'same' : 'disjoint';
  let common = 0;
  for (const member of scope.members) if (held.has(member.bdf)) common++;
  if (common === 0) return 'disjoint';
  if (common === scope.members.length) return common === held.size ? 'same' : 'inside';
  return common === held.size ? 'wider' : 'crossing';
}

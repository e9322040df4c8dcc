import { type Evidence } from '../evidence/evidence.js';
import { type Findings } from '../session/report.js';
import { replay } from './replay.js';

/** Name of the fact that sums up how much was compared. */
const COMPARED = 'happenings replayed';

/**
 * Checks that our host procedure, given the kernel's errors, topology, drivers' answers and results of resets, does every
 * recovery of a step as the kernel did it: the same things in the same order. A step without recovery is not judged.
 */
export function checkReplay(seen: Evidence, findings: Findings): void {
  const { recoveries, differences } = replay(seen);
  if (recoveries.length === 0 && differences.length === 0) return;
  findings.check('our host procedure does as the kernel, in the same order', differences, []);
  const before = Number(findings.facts[COMPARED] ?? 0);
  findings.fact(
    COMPARED,
    recoveries.reduce((sum, one) => sum + one.compared, before),
  );
}

import { type Machine } from '../machine/machine.js';
import { x86 } from '../machine/x86.js';
import { type Scenario } from './scenario.js';
import { X86_SCENARIOS } from './x86/index.js';

/** A machine and what can be done to it. */
export interface LabMachine {
  readonly machine: Machine;
  readonly scenarios: readonly Scenario[];
}

/** Every machine of the lab. Another architecture joins with a machine file and its scenarios. */
export const MACHINES: readonly LabMachine[] = [{ machine: x86, scenarios: X86_SCENARIOS }];

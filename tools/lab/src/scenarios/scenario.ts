import { type MachineLayout } from '../machine/machine.js';
import { type Lab } from '../session/lab.js';

/** Something that is done to a machine, and what must be seen of it. */
export interface Scenario {
  /** The word on the command line. */
  readonly name: string;
  /** One sentence: what it shows. */
  readonly title: string;
  /** Demands that it holds up. */
  readonly demands: readonly string[];
  readonly layout: MachineLayout;
  /** Seconds that it may take after the boot, where the usual limit is too short. */
  readonly atLeast?: number;
  /** Does it, and checks each rule by `lab.findings`. */
  run(lab: Lab): Promise<void>;
}

import { aerSimulation } from './aer.js';
import { eehSimulation } from './eeh.js';
import { type Simulation } from './simulation.js';
import { zpciSimulation } from './zpci.js';

/** The platforms that can be simulated, by name. */
export const SIMULATIONS: ReadonlyMap<string, Simulation> = new Map(
  [aerSimulation, eehSimulation, zpciSimulation].map((one) => [one.platform, one]),
);

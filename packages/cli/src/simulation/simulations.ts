import { aerSimulation } from './aer.js';
import { type Simulation } from './simulation.js';

/** The platforms that can be simulated, by name. */
export const SIMULATIONS: ReadonlyMap<string, Simulation> = new Map([aerSimulation].map((one) => [one.platform, one]));

import { registerConformance } from '../src/index.js';
import { referenceHarness } from './reference/harness.js';

registerConformance(referenceHarness(), { describe, it });

import { registerConformance } from '@pci-recovery/conformance';
import { eehPseriesHarness } from '../src/harnesses/eeh.js';

registerConformance(eehPseriesHarness, { describe, it });

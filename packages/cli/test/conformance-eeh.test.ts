import { registerConformance } from '@pci-recovery/conformance';
import { eehHarness } from '../src/harnesses/eeh.js';

registerConformance(eehHarness, { describe, it });

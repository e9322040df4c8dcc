import { registerConformance } from '@pci-recovery/conformance';
import { aerHarness } from '../src/harnesses/aer.js';

registerConformance(aerHarness, { describe, it });

import { registerConformance } from '@pci-recovery/conformance';
import { zpciHarness } from '../src/harnesses/zpci.js';

registerConformance(zpciHarness, { describe, it });

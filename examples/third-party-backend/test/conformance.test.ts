import { registerConformance } from '@pci-recovery/conformance';
import { ghesHarness } from '../src/index.js';

registerConformance(ghesHarness, { describe, it });

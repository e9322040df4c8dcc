import { registerConformance } from '../src/index.js';
import { liveHarness } from './broken/live.js';

registerConformance(liveHarness, { describe, it }, { levels: [4] });

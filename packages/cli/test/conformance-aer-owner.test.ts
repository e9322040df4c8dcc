import { registerConformance } from '@pci-recovery/conformance';
import { aerOwnerHarness } from '../src/harnesses/aer-owner.js';
import { KNOWN_FAILURES } from '../src/harnesses/known-failures.js';

/** Some cases make a hundred machines, each with a kernel of its own: milliseconds. */
const LIMIT = 60_000;

registerConformance(
  aerOwnerHarness,
  { describe, it: (title, body) => it(title, body, LIMIT) },
  { caseLimitMs: LIMIT, knownFailures: KNOWN_FAILURES[aerOwnerHarness.name]! },
);

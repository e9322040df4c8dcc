import { type Harness } from '@pci-recovery/conformance';
import { aerHarness } from './aer.js';
import { aerOwnerHarness } from './aer-owner.js';
import { eehHarness, eehPseriesHarness } from './eeh.js';
import { zpciHarness } from './zpci.js';

/** The backends that the command can hold against the suite, by name. */
export const HARNESSES: ReadonlyMap<string, Harness> = new Map(
  [aerHarness, aerOwnerHarness, eehHarness, eehPseriesHarness, zpciHarness].map((one) => [one.name, one]),
);

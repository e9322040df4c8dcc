import { type Harness } from '@pci-recovery/conformance';
import { aerHarness } from './aer.js';
import { eehHarness } from './eeh.js';
import { zpciHarness } from './zpci.js';

/** The backends that the command can hold against the suite, by name. */
export const HARNESSES: ReadonlyMap<string, Harness> = new Map(
  [aerHarness, eehHarness, zpciHarness].map((one) => [one.name, one]),
);

import { type Scenario } from '../scenario.js';
import { boot } from './boot.js';
import { kernelCorrectable } from './kernel-correctable.js';
import { kernelDriverlessSibling, kernelNoCallback, kernelResetFails } from './kernel-failures.js';
import { kernelFatal, kernelFatalAsleep } from './kernel-fatal.js';
import { kernelNonfatal } from './kernel-nonfatal.js';
import { kernelTwoFunctions } from './kernel-two-functions.js';
import { ownerCorrectable, ownerFatal, ownerNonfatal } from './owner-recoveries.js';

/** The scenarios of the machine x86, in the order in which they run. */
export const X86_SCENARIOS: readonly Scenario[] = [
  boot,
  kernelCorrectable,
  kernelNonfatal,
  kernelFatal,
  kernelFatalAsleep,
  kernelTwoFunctions,
  kernelNoCallback,
  kernelDriverlessSibling,
  kernelResetFails,
  ownerCorrectable,
  ownerNonfatal,
  ownerFatal,
];

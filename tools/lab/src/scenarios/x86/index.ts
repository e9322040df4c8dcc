import { type Scenario } from '../scenario.js';
import { boot } from './boot.js';
import { kernelAerInject } from './kernel-aer-inject.js';
import { kernelBackToBack } from './kernel-back-to-back.js';
import { kernelCorrectable } from './kernel-correctable.js';
import { kernelDriver } from './kernel-driver.js';
import { kernelDriverlessSibling, kernelNoCallback, kernelResetFails } from './kernel-failures.js';
import { kernelFatal, kernelFatalAsleep } from './kernel-fatal.js';
import { kernelNonfatal } from './kernel-nonfatal.js';
import { kernelEmptyPort, kernelPort } from './kernel-port.js';
import { kernelSwitch, kernelSwitchUndriven } from './kernel-switch.js';
import { kernelTwoFunctions } from './kernel-two-functions.js';
import { commandList, commandRecover, commandWatch } from './command.js';
import { conformanceLive } from './conformance-live.js';
import { ownerHundred } from './owner-endurance.js';
import { ownerDriverlessSibling, ownerKilled, ownerRemoved, ownerResetFails } from './owner-failures.js';
import { ownerCorrectable, ownerFatal, ownerNonfatal } from './owner-recoveries.js';
import { ownerBackToBack, ownerRootPort, ownerTwoFunctions } from './owner-several.js';
import { vfioAnswers } from './vfio-answers.js';

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
  kernelDriver,
  kernelPort,
  kernelEmptyPort,
  kernelSwitch,
  kernelSwitchUndriven,
  kernelBackToBack,
  kernelAerInject,
  ownerCorrectable,
  ownerNonfatal,
  ownerFatal,
  ownerBackToBack,
  ownerTwoFunctions,
  ownerRootPort,
  ownerDriverlessSibling,
  ownerResetFails,
  ownerRemoved,
  ownerKilled,
  ownerHundred,
  commandList,
  commandRecover,
  commandWatch,
  conformanceLive,
  vfioAnswers,
];

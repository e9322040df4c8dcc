import { type Lab } from '../../session/lab.js';
import { type Scenario } from '../scenario.js';
import { PAIR } from './layouts.js';
import {
  bindVfio,
  callOrder,
  cleared,
  INJECTED,
  keepAwake,
  linkReset,
  recoverFrom,
  ueventTexts,
  walked,
} from './steps.js';

async function nonfatal(lab: Lab): Promise<void> {
  const [first, second] = [lab.bdf('ep_pair0'), lab.bdf('ep_pair1')];
  const seen = await recoverFrom(lab, 'ep_pair1', INJECTED.nonfatal);
  lab.findings.check('every step walks both functions before the next one', callOrder(seen), [
    `pcie_do_recovery ${second} normal`,
    ...walked.detected(first, 'normal'),
    ...walked.detected(second, 'normal'),
    ...walked.mmioEnabled(first),
    ...walked.mmioEnabled(second),
    ...walked.resume(first),
    ...walked.resume(second),
    ...cleared(second),
  ]);
  lab.findings.check('only the one with the error counts it', seen.counted[first], undefined);
  lab.findings.check('the one with the error counts it', seen.counted[second], { CmpltTO: 1, TOTAL_ERR_NONFATAL: 1 });
}

async function fatal(lab: Lab): Promise<void> {
  const [first, second, port] = [lab.bdf('ep_pair0'), lab.bdf('ep_pair1'), lab.bdf('rp2')];
  const seen = await recoverFrom(lab, 'ep_pair0', INJECTED.fatal);
  lab.findings.check('one link reset for both', callOrder(seen), [
    `pcie_do_recovery ${first} frozen`,
    ...walked.detected(first, 'frozen'),
    ...walked.detected(second, 'frozen'),
    ...walked.mmioEnabled(first),
    ...walked.mmioEnabled(second),
    ...linkReset(port),
    ...walked.resume(first),
    ...walked.resume(second),
    ...cleared(first),
  ]);
  lab.findings.check('uevents of both', ueventTexts(seen), [
    `BEGIN_RECOVERY ${first}`,
    `BEGIN_RECOVERY ${second}`,
    `SUCCESSFUL_RECOVERY ${first}`,
    `SUCCESSFUL_RECOVERY ${second}`,
  ]);
  lab.findings.check('the reset hit the innocent one too', seen.registers[second]?.deviceControl, 0);
}

/** Two functions below one port: what happens to one happens to both. */
export const kernelTwoFunctions: Scenario = {
  name: 'kernel-two-functions',
  title: 'an error of one function takes its sibling through the whole recovery',
  demands: ['R3.3', 'R3.4', 'R3.5'],
  layout: { ports: [PAIR] },
  async run(lab) {
    await bindVfio(lab, 'ep_pair0', 'ep_pair1');
    await keepAwake(lab, 'ep_pair0', 'ep_pair1');
    await nonfatal(lab);
    await fatal(lab);
  },
};

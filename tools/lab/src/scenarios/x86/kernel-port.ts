import { type Scenario } from '../scenario.js';
import { SINGLE, SPARE } from './layouts.js';
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

/** An error that the root port itself detects concerns everything below it, not itself (err.c:pcie_do_recovery). */
export const kernelPort: Scenario = {
  name: 'kernel-port',
  title: 'an error of the root port itself takes everything below through the recovery, and clears the port',
  demands: ['R3.3', 'R3.4', 'R3.5'],
  layout: { ports: [SINGLE] },
  async run(lab) {
    const { findings } = lab;
    await bindVfio(lab, 'ep_single');
    await keepAwake(lab, 'ep_single');
    const [endpoint, port] = [lab.bdf('ep_single'), lab.bdf('rp1')];
    const nonfatal = await recoverFrom(lab, 'rp1', INJECTED.nonfatal);
    findings.check('non-fatal: the endpoint is told, the port is cleared', callOrder(nonfatal), [
      `pcie_do_recovery ${port} normal`,
      ...walked.detected(endpoint, 'normal'),
      ...walked.mmioEnabled(endpoint),
      ...walked.resume(endpoint),
      ...cleared(port),
    ]);
    findings.check('only the port counts it', nonfatal.counted[endpoint], undefined);
    const fatal = await recoverFrom(lab, 'rp1', INJECTED.fatal);
    findings.check('fatal: the link below is reset', callOrder(fatal), [
      `pcie_do_recovery ${port} frozen`,
      ...walked.detected(endpoint, 'frozen'),
      ...walked.mmioEnabled(endpoint),
      ...linkReset(port),
      ...walked.resume(endpoint),
      ...cleared(port),
    ]);
  },
};

/** The same where nothing is plugged in. */
export const kernelEmptyPort: Scenario = {
  name: 'kernel-empty-port',
  title: 'an error of a port with nothing below is recovered with nobody to ask',
  demands: ['R3.3', 'R3.4'],
  layout: { ports: [SPARE] },
  async run(lab) {
    const { findings } = lab;
    const port = lab.bdf('rp3');
    const nonfatal = await recoverFrom(lab, 'rp3', INJECTED.nonfatal);
    findings.check('nobody is asked, the port is cleared', callOrder(nonfatal), [
      `pcie_do_recovery ${port} normal`,
      ...cleared(port),
    ]);
    findings.check('no uevent', ueventTexts(nonfatal), []);
    await recoverFrom(lab, 'rp3', INJECTED.fatal);
  },
};

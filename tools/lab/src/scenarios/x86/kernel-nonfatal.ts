import { type Scenario } from '../scenario.js';
import { SINGLE } from './layouts.js';
import {
  bindVfio,
  callOrder,
  cleared,
  INJECTED,
  keepAwake,
  loggedErrors,
  logTexts,
  recoverFrom,
  ueventTexts,
  walked,
  WORKING,
} from './steps.js';

/** A non-fatal error of a function that vfio-pci has: everybody is asked, nothing is reset. */
export const kernelNonfatal: Scenario = {
  name: 'kernel-nonfatal',
  title: 'the kernel recovers a non-fatal error through error_detected, mmio_enabled and resume, without a reset',
  demands: ['R3.1', 'R3.4', 'R3.6'],
  layout: { ports: [SINGLE] },
  async run(lab) {
    const { findings } = lab;
    await bindVfio(lab, 'ep_single');
    await keepAwake(lab, 'ep_single');
    const [endpoint, port] = [lab.bdf('ep_single'), lab.bdf('rp1')];
    const seen = await recoverFrom(lab, 'ep_single', INJECTED.nonfatal);
    findings.check('callbacks come in the order of the document', callOrder(seen), [
      `pcie_do_recovery ${endpoint} normal`,
      ...walked.detected(endpoint, 'normal'),
      ...walked.mmioEnabled(endpoint),
      ...walked.resume(endpoint),
      ...cleared(endpoint),
    ]);
    findings.check('the log tells the same', logTexts(seen), [
      `error_message ${port}`,
      `error ${endpoint}`,
      `recovery_succeeded ${port}`,
    ]);
    findings.check('the log names the error', loggedErrors(seen, endpoint), ['COMP_TIME']);
    findings.check('uevents of begin and success', ueventTexts(seen), [
      `BEGIN_RECOVERY ${endpoint}`,
      `SUCCESSFUL_RECOVERY ${endpoint}`,
    ]);
    findings.check('endpoint and port count it', seen.counted, {
      [port]: { aer_rootport_total_err_nonfatal: 1 },
      [endpoint]: { CmpltTO: 1, TOTAL_ERR_NONFATAL: 1 },
    });
    findings.check('status is cleared, the function works on', seen.registers[endpoint], {
      ...WORKING,
      deviceStatus: 0,
      uncorrectableStatus: 0,
      correctableStatus: 0,
    });
    findings.check('nothing is unprobed', lab.unprobed, []);
  },
};

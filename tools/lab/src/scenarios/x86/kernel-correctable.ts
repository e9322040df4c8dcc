import { type Scenario } from '../scenario.js';
import { SINGLE } from './layouts.js';
import { bindVfio, callOrder, INJECTED, loggedErrors, ueventTexts, WORKING } from './steps.js';

/** A correctable error is counted, and nobody is told (drivers/pci/pcie/aer.c:pci_aer_handle_error). */
export const kernelCorrectable: Scenario = {
  name: 'kernel-correctable',
  title: 'the kernel counts a correctable error, clears it and recovers nothing',
  demands: ['R1.2', 'R3.1'],
  layout: { ports: [SINGLE] },
  async run(lab) {
    const { findings } = lab;
    await bindVfio(lab, 'ep_single');
    const [endpoint, port] = [lab.bdf('ep_single'), lab.bdf('rp1')];
    const seen = await lab.observe('correctable', async () => {
      const printed = lab.logged(/BadTLP/);
      await lab.inject('ep_single', INJECTED.correctable);
      await printed;
    });
    findings.check('the log names the error', loggedErrors(seen, endpoint), ['BAD_TLP']);
    findings.check(
      'the trace event names the error',
      seen.aerEvents.map(({ bdf, severity, errors }) => ({ bdf, severity, errors })),
      [{ bdf: endpoint, severity: 'correctable', errors: ['Bad TLP'] }],
    );
    findings.check('no callback, no reset: Device Status is cleared and that is all', callOrder(seen), [
      `pcie_clear_device_status ${endpoint}`,
    ]);
    findings.check('no uevent', ueventTexts(seen), []);
    findings.check('endpoint and port count it', seen.counted, {
      [port]: { aer_rootport_total_err_cor: 1 },
      [endpoint]: { BadTLP: 1, TOTAL_ERR_COR: 1 },
    });
    findings.check('the kernel cleared the status, the function works on', seen.registers[endpoint], {
      ...WORKING,
      deviceStatus: 0,
      uncorrectableStatus: 0,
      correctableStatus: 0,
    });
  },
};

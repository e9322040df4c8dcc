import { type Scenario } from '../scenario.js';
import { SINGLE } from './layouts.js';
import {
  bindVfio,
  callOrder,
  cleared,
  INJECTED,
  keepAwake,
  linkReset,
  logTexts,
  recoverFrom,
  STATUS,
  ueventTexts,
  walked,
} from './steps.js';

/** A fatal error of a function that vfio-pci has: the kernel resets the link, once, and nobody restores anything. */
export const kernelFatal: Scenario = {
  name: 'kernel-fatal',
  title: 'the kernel recovers a fatal error with one link reset, and leaves the function silent',
  demands: ['R3.4', 'R3.5', 'R3.6'],
  layout: { ports: [SINGLE] },
  async run(lab) {
    const { findings } = lab;
    await bindVfio(lab, 'ep_single');
    await keepAwake(lab, 'ep_single');
    const [endpoint, port] = [lab.bdf('ep_single'), lab.bdf('rp1')];
    const seen = await recoverFrom(lab, 'ep_single', INJECTED.fatal);
    findings.check(
      'one link reset, between mmio_enabled and resume; no slot_reset for a vote of CAN_RECOVER',
      callOrder(seen),
      [
        `pcie_do_recovery ${endpoint} frozen`,
        ...walked.detected(endpoint, 'frozen'),
        ...walked.mmioEnabled(endpoint),
        ...linkReset(port),
        ...walked.resume(endpoint),
        ...cleared(endpoint),
      ],
    );
    findings.check('the log tells the same', logTexts(seen), [
      `error_message ${port}`,
      `error ${endpoint}`,
      `link_reset ${port}`,
      `recovery_succeeded ${port}`,
    ]);
    const severities = seen.aerEvents.map(({ bdf, severity, errors }) => ({ bdf, severity, errors }));
    const nameless = [{ bdf: endpoint, severity: 'fatal', errors: [] }];
    findings.check('the trace event is fatal and names no error', severities, nameless);
    findings.check('uevents of begin and success', ueventTexts(seen), [
      `BEGIN_RECOVERY ${endpoint}`,
      `SUCCESSFUL_RECOVERY ${endpoint}`,
    ]);
    findings.check('the total is counted, no single error', seen.counted, {
      [port]: { aer_rootport_total_err_fatal: 1 },
      [endpoint]: { TOTAL_ERR_FATAL: 1 },
    });
    findings.check(
      'the function is silent: no bus master, no error is reported; the status is sticky',
      seen.registers[endpoint],
      {
        command: 0,
        deviceControl: 0,
        deviceStatus: 0,
        uncorrectableStatus: STATUS.fatal,
        correctableStatus: 0,
      },
    );
  },
};

/** The same of a function that sleeps, as vfio-pci lets it when nobody has it open. */
export const kernelFatalAsleep: Scenario = {
  name: 'kernel-fatal-asleep',
  title: 'a function that vfio-pci put to sleep loses its error status when it wakes up again',
  demands: ['R3.1'],
  layout: { ports: [SINGLE] },
  async run(lab) {
    const { findings, guest } = lab;
    await bindVfio(lab, 'ep_single');
    const endpoint = lab.bdf('ep_single');
    const power = `/sys/bus/pci/devices/${endpoint}/power_state`;
    findings.check('vfio-pci puts what nobody has open to sleep', (await guest.readText(power)).trim(), 'D3hot');
    const seen = await recoverFrom(lab, 'ep_single', INJECTED.fatal);
    findings.check('recovery is as that of an awake one', ueventTexts(seen), [
      `BEGIN_RECOVERY ${endpoint}`,
      `SUCCESSFUL_RECOVERY ${endpoint}`,
    ]);
    findings.check('nothing of the error is left in the registers', seen.registers[endpoint], {
      command: 0,
      deviceControl: 0,
      deviceStatus: 0,
      uncorrectableStatus: 0,
      correctableStatus: 0,
    });
  },
};

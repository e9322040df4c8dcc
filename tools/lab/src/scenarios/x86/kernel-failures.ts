import { type Lab } from '../../session/lab.js';
import { type Scenario } from '../scenario.js';
import { PAIR, SINGLE } from './layouts.js';
import {
  bindVfio,
  callOrder,
  INJECTED,
  keepAwake,
  linkReset,
  logTexts,
  recoverAll,
  recoverFrom,
  ueventTexts,
  walked,
} from './steps.js';

/** include/linux/pci.h: pci_channel_io_frozen. */
const FROZEN = 2;

/** A channel that a failed recovery left frozen is frozen, not lost: the next recovery starts from there. */
async function failAgain(lab: Lab): Promise<void> {
  const seen = await recoverAll(lab, 'fails-again', 2, async () => {
    const first = lab.logged(/device recovery failed/);
    await lab.inject('ep_single', INJECTED.fatal);
    await first;
    await lab.inject('rp1', INJECTED.nonfatal);
  });
  const channels = seen.calls.flatMap(({ function: name, fields }) =>
    name === 'report_normal_detected' ? [fields['channel']] : [],
  );
  lab.findings.check('the channel is as the recovery before left it', channels, [FROZEN]);
}

/** A driver without error_detected sinks its recovery (drivers/pci/pcie/err.c:report_error_detected). */
export const kernelNoCallback: Scenario = {
  name: 'kernel-no-callback',
  title: 'a driver without error_detected makes even a non-fatal recovery fail',
  demands: ['R1.7', 'R3.4'],
  layout: { ports: [SINGLE] },
  async run(lab) {
    const { findings, guest } = lab;
    const [endpoint, port] = [lab.bdf('ep_single'), lab.bdf('rp1')];
    findings.check("the endpoint has the kernel's own driver", await guest.driverOf(endpoint), 'virtio-pci');
    const seen = await recoverFrom(lab, 'ep_single', INJECTED.nonfatal);
    findings.check('asked, then told that it failed; nothing in between', callOrder(seen), [
      `pcie_do_recovery ${endpoint} normal`,
      `report_normal_detected ${endpoint}`,
      `pci_uevent_ers ${endpoint} no_aer_driver`,
      `report_perm_failure_detected ${endpoint}`,
      `pci_uevent_ers ${endpoint} disconnect`,
    ]);
    findings.check('the log says why', logTexts(seen), [
      `error_message ${port}`,
      `error ${endpoint}`,
      `cannot_recover ${endpoint}`,
      `recovery_failed ${port}`,
    ]);
    findings.check('one uevent, of failure', ueventTexts(seen), [`FAILED_RECOVERY ${endpoint}`]);
    await failAgain(lab);
  },
};

/** NO_AER_DRIVER absorbs every other vote (err.c:merge_result). */
export const kernelDriverlessSibling: Scenario = {
  name: 'kernel-driverless-sibling',
  title: 'a sibling without a driver sinks the recovery of a function that could recover',
  demands: ['R3.4'],
  layout: { ports: [PAIR] },
  async run(lab) {
    const { findings, guest } = lab;
    const [first, second, port] = [lab.bdf('ep_pair0'), lab.bdf('ep_pair1'), lab.bdf('rp2')];
    await bindVfio(lab, 'ep_pair0');
    await keepAwake(lab, 'ep_pair0');
    await guest.unbind(second);
    const seen = await recoverFrom(lab, 'ep_pair0', INJECTED.fatal);
    findings.check('the link is reset all the same, then both are told that it failed', callOrder(seen), [
      `pcie_do_recovery ${first} frozen`,
      ...walked.detected(first, 'frozen'),
      `report_frozen_detected ${second}`,
      `pci_uevent_ers ${second} no_aer_driver`,
      ...linkReset(port),
      `report_perm_failure_detected ${first}`,
      `vfio_pci_core_aer_err_detected ${first} perm_failure`,
      `pci_uevent_ers ${first} disconnect`,
      `report_perm_failure_detected ${second}`,
      `pci_uevent_ers ${second} disconnect`,
    ]);
    findings.check('uevents', ueventTexts(seen), [
      `BEGIN_RECOVERY ${first}`,
      `FAILED_RECOVERY ${first}`,
      `FAILED_RECOVERY ${second}`,
    ]);
  },
};

/** Hotplug by ACPI leaves the port without a way to reset its link. */
export const kernelResetFails: Scenario = {
  name: 'kernel-reset-fails',
  title: 'a fatal error whose link reset fails is not recovered',
  demands: ['R3.5', 'R3.7'],
  layout: { ports: [SINGLE], nativeHotplug: false },
  async run(lab) {
    const { findings } = lab;
    await bindVfio(lab, 'ep_single');
    await keepAwake(lab, 'ep_single');
    const [endpoint, port] = [lab.bdf('ep_single'), lab.bdf('rp1')];
    const seen = await recoverFrom(lab, 'ep_single', INJECTED.fatal);
    findings.check('after the reset that failed come error_detected(perm_failure) and no resume', callOrder(seen), [
      `pcie_do_recovery ${endpoint} frozen`,
      ...walked.detected(endpoint, 'frozen'),
      ...walked.mmioEnabled(endpoint),
      ...linkReset(port),
      `report_perm_failure_detected ${endpoint}`,
      `vfio_pci_core_aer_err_detected ${endpoint} perm_failure`,
      `pci_uevent_ers ${endpoint} disconnect`,
    ]);
    const results = seen.log.flatMap((record) => (record.kind === 'link_reset' ? [record.result] : []));
    findings.check('the log has the reason (-ENOTTY)', results, [-25]);
    findings.check('uevents of begin and failure', ueventTexts(seen), [
      `BEGIN_RECOVERY ${endpoint}`,
      `FAILED_RECOVERY ${endpoint}`,
    ]);
  },
};

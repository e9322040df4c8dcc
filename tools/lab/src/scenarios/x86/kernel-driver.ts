import { type RootPort } from '../../machine/machine.js';
import { type Scenario } from '../scenario.js';
import { callOrder, cleared, INJECTED, linkReset, recoverFrom, ueventTexts } from './steps.js';

/** A network card that the kernel drives itself. */
const DRIVEN: RootPort = { id: 'rp5', endpoints: [{ id: 'ep_nic', kind: 'e1000e' }] };

/** A driver of the kernel that always wants a reset, sets its device up again and goes on. Its port has the errors. */
export const kernelDriver: Scenario = {
  name: 'kernel-driver',
  title:
    "a driver of the kernel's own votes for a reset: also a non-fatal error brings one, then slot_reset and resume",
  demands: ['R3.4', 'R3.5', 'R3.6'],
  layout: { ports: [DRIVEN] },
  async run(lab) {
    const { findings, guest } = lab;
    const [card, port] = [lab.bdf('ep_nic'), lab.bdf('rp5')];
    await lab.load('e1000e');
    findings.check('the card has its driver', await guest.driverOf(card), 'e1000e');
    findings.check('nothing is unprobed', lab.unprobed, []);
    for (const [error, state] of [
      [INJECTED.nonfatal, 'normal'],
      [INJECTED.fatal, 'frozen'],
    ] as const) {
      const seen = await recoverFrom(lab, 'rp5', error);
      findings.check(`${state}: error_detected, reset, slot_reset, resume`, callOrder(seen), [
        `pcie_do_recovery ${port} ${state}`,
        `report_${state}_detected ${card}`,
        `e1000_io_error_detected ${card} ${state}`,
        `pci_uevent_ers ${card} need_reset`,
        ...linkReset(port),
        `report_slot_reset ${card}`,
        `e1000_io_slot_reset ${card}`,
        `report_resume ${card}`,
        `e1000_io_resume ${card}`,
        `pci_uevent_ers ${card} recovered`,
        ...cleared(port),
      ]);
      const uevents = [`BEGIN_RECOVERY ${card}`, `SUCCESSFUL_RECOVERY ${card}`];
      findings.check(`${state}: uevents of begin and success`, ueventTexts(seen), uevents);
    }
  },
};

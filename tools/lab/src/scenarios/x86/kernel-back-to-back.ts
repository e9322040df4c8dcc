import { type Evidence } from '../../evidence/evidence.js';
import { type Lab } from '../../session/lab.js';
import { type Scenario } from '../scenario.js';
import { PAIR, SINGLE } from './layouts.js';
import { bindVfio, callOrder, INJECTED, keepAwake, recoverAll } from './steps.js';

/** Another non-fatal error. */
const OTHER_NONFATAL = 'POISON_TLP';

/** What recoveries were started for, and what was reset. */
const milestones = (seen: Evidence): readonly string[] =>
  callOrder(seen).filter((call) => /^(?:pcie_do_recovery|aer_root_reset)/.test(call));

/** Whether the root port said that there was more than one. */
const multiple = ({ log }: Evidence): readonly boolean[] =>
  log.flatMap((record) => (record.kind === 'error_message' ? [record.multiple] : []));

async function oneFunctionTwice(lab: Lab): Promise<void> {
  const endpoint = lab.bdf('ep_single');
  const seen = await recoverAll(lab, 'one-function-twice', 1, () =>
    lab.injectTogether(['ep_single', INJECTED.nonfatal], ['ep_single', OTHER_NONFATAL]),
  );
  lab.findings.check('two errors of one function: one recovery for both', milestones(seen), [
    `pcie_do_recovery ${endpoint} normal`,
  ]);
  lab.findings.check('both are counted, their message once', seen.counted[endpoint], {
    CmpltTO: 1,
    TLP: 1,
    TOTAL_ERR_NONFATAL: 1,
  });
  lab.findings.check('both are cleared', seen.registers[endpoint]?.uncorrectableStatus, 0);
}

async function bothFunctions(lab: Lab): Promise<void> {
  const [first, second] = [lab.bdf('ep_pair0'), lab.bdf('ep_pair1')];
  const seen = await recoverAll(lab, 'both-functions', 2, () =>
    lab.injectTogether(['ep_pair1', INJECTED.nonfatal], ['ep_pair0', INJECTED.nonfatal]),
  );
  lab.findings.check('the port says that there were several', multiple(seen), [true]);
  lab.findings.check('two functions at once: a recovery for each, in the order of the walk', milestones(seen), [
    `pcie_do_recovery ${first} normal`,
    `pcie_do_recovery ${second} normal`,
  ]);
}

async function twoPorts(lab: Lab): Promise<void> {
  const seen = await recoverAll(lab, 'two-ports', 2, () =>
    lab.injectTogether(['ep_single', INJECTED.nonfatal], ['ep_pair0', INJECTED.nonfatal]),
  );
  const threads = new Set(seen.calls.map(({ thread }) => thread));
  lab.findings.check('each root port has a thread of its own', threads.size, 2);
}

async function closely(lab: Lab): Promise<void> {
  const [first, second] = [lab.bdf('ep_pair0'), lab.bdf('ep_pair1')];
  const seen = await recoverAll(lab, 'closely', 2, async () => {
    await lab.inject('ep_pair0', INJECTED.nonfatal);
    await lab.inject('ep_pair1', INJECTED.nonfatal);
  });
  lab.findings.check('one closely after the other: a recovery for each', milestones(seen), [
    `pcie_do_recovery ${first} normal`,
    `pcie_do_recovery ${second} normal`,
  ]);
}

/** The severity is that of the message: a fatal one makes all sources fatal (aer.c:aer_isr_one_error). */
async function fatalAndNonfatal(lab: Lab): Promise<void> {
  const [first, second, port] = [lab.bdf('ep_pair0'), lab.bdf('ep_pair1'), lab.bdf('rp2')];
  const seen = await recoverAll(lab, 'fatal-and-nonfatal', 2, () =>
    lab.injectTogether(['ep_pair0', INJECTED.fatal], ['ep_pair1', INJECTED.nonfatal]),
  );
  lab.findings.check('both are taken for fatal, and the link is reset for each', milestones(seen), [
    `pcie_do_recovery ${first} frozen`,
    `aer_root_reset ${port}`,
    `pcie_do_recovery ${second} frozen`,
    `aer_root_reset ${port}`,
  ]);
}

/** Errors that come while another one is there. */
export const kernelBackToBack: Scenario = {
  name: 'kernel-back-to-back',
  title: 'errors that come together are recovered one after the other below one port, and at once below two',
  demands: ['R3.3', 'R3.4'],
  layout: { ports: [SINGLE, PAIR] },
  async run(lab) {
    await bindVfio(lab, 'ep_single', 'ep_pair0', 'ep_pair1');
    await keepAwake(lab, 'ep_single', 'ep_pair0', 'ep_pair1');
    await oneFunctionTwice(lab);
    await bothFunctions(lab);
    await twoPorts(lab);
    await closely(lab);
    await fatalAndNonfatal(lab);
  },
};

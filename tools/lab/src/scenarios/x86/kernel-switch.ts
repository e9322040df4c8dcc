import { type Evidence } from '../../evidence/evidence.js';
import { type RootPort } from '../../machine/machine.js';
import { type Lab } from '../../session/lab.js';
import { type Scenario } from '../scenario.js';
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

/** A switch below a root port; one of its ports leads to an endpoint. */
const SWITCHED: RootPort = {
  id: 'rp4',
  endpoints: [],
  switch: {
    upstream: 'up1',
    downstream: [
      { id: 'dp1', endpoints: [{ id: 'ep_behind' }] },
      { id: 'dp2', endpoints: [] },
    ],
  },
};

/** Everything below the root port, in the order in which it is walked: depth first. */
const WALKED = ['up1', 'dp1', 'ep_behind', 'dp2'] as const;

/** Which functions a walk came by, in order. */
const walkedBy = (seen: Evidence, walk: string): readonly string[] =>
  callOrder(seen).flatMap((call) => (call.startsWith(`${walk} `) ? [call.split(' ')[1]!] : []));

/** The votes in the order in which they were merged. */
const votes = (seen: Evidence): readonly string[] =>
  callOrder(seen).flatMap((call) => (call.startsWith('pci_uevent_ers ') ? [call.split(' ')[2]!] : []));

/** A fatal error of an endpoint, or of the port above it: that port's link is reset, the rest of the switch is left alone. */
async function behind(lab: Lab): Promise<void> {
  const [endpoint, port] = [lab.bdf('ep_behind'), lab.bdf('dp1')];
  for (const id of ['ep_behind', 'dp1']) {
    await recoverFrom(lab, id, INJECTED.nonfatal);
    const seen = await recoverFrom(lab, id, INJECTED.fatal);
    lab.findings.check(`a fatal error of ${id} concerns what is below the downstream port only`, callOrder(seen), [
      `pcie_do_recovery ${lab.bdf(id)} frozen`,
      ...walked.detected(endpoint, 'frozen'),
      ...walked.mmioEnabled(endpoint),
      ...linkReset(port),
      ...walked.resume(endpoint),
      ...cleared(lab.bdf(id)),
    ]);
  }
}

/** A fatal error of the upstream port: the ports' driver wants a reset, so everybody gets slot_reset. */
async function upstream(lab: Lab): Promise<void> {
  const everybody = WALKED.map((id) => lab.bdf(id));
  await recoverFrom(lab, 'up1', INJECTED.nonfatal);
  const seen = await recoverFrom(lab, 'up1', INJECTED.fatal);
  const { findings } = lab;
  findings.check('all walks come by everybody, depth first', walkedBy(seen, 'report_frozen_detected'), everybody);
  findings.check('ports want a reset, the endpoint would do without', votes(seen).slice(0, 4), [
    ...['need_reset', 'need_reset', 'can_recover', 'need_reset'],
  ]);
  findings.check('nobody is asked to look at once', walkedBy(seen, 'report_mmio_enabled'), []);
  findings.check('the link below the root port is reset', walkedBy(seen, 'aer_root_reset'), [lab.bdf('rp4')]);
  findings.check('everybody is told of the reset', walkedBy(seen, 'report_slot_reset'), everybody);
  findings.check('the driver of ports restores them', walkedBy(seen, 'pcie_portdrv_slot_reset'), [
    ...['up1', 'dp1', 'dp2'].map((id) => lab.bdf(id)),
  ]);
  findings.check(
    'everybody goes on',
    ueventTexts(seen).slice(4),
    everybody.map((bdf) => `SUCCESSFUL_RECOVERY ${bdf}`),
  );
}

/** Ports of a switch are walked like everybody else, and have a driver that votes. */
export const kernelSwitch: Scenario = {
  name: 'kernel-switch',
  title: 'a switch: errors behind it reset one link only, those of its upstream port bring slot_reset to everybody',
  demands: ['R3.3', 'R3.4', 'R3.5'],
  layout: { ports: [SWITCHED] },
  async run(lab) {
    await bindVfio(lab, 'ep_behind');
    await keepAwake(lab, 'ep_behind');
    await behind(lab);
    await upstream(lab);
  },
};

/** A bridge without a driver does not vote; another function without one votes against everybody (report_error_detected). */
export const kernelSwitchUndriven: Scenario = {
  name: 'kernel-switch-undriven',
  title: 'a port without a driver does not vote, an endpoint without one sinks the recovery of the whole switch',
  demands: ['R1.7', 'R3.3', 'R3.4'],
  layout: { ports: [SWITCHED] },
  async run(lab) {
    const { findings, guest } = lab;
    await bindVfio(lab, 'ep_behind');
    await keepAwake(lab, 'ep_behind');
    await guest.unbind(lab.bdf('dp2'));
    const port = await recoverFrom(lab, 'up1', INJECTED.nonfatal);
    findings.check('the port abstains', votes(port).slice(0, 4), ['can_recover', 'can_recover', 'can_recover', 'none']);
    await guest.unbind(lab.bdf('ep_behind'));
    const sunk = await recoverFrom(lab, 'up1', INJECTED.fatal);
    findings.check('the endpoint sinks them', votes(sunk).slice(0, 4), [
      ...['need_reset', 'need_reset', 'no_aer_driver', 'none'],
    ]);
    findings.check('they are reset, told of no slot_reset, and fail', ueventTexts(sunk).slice(-4), [
      ...WALKED.map((id) => `FAILED_RECOVERY ${lab.bdf(id)}`),
    ]);
  },
};

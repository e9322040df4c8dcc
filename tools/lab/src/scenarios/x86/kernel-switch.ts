import { type RootPort } from '../../machine/machine.js';
import { type Scenario } from '../scenario.js';
import { bindVfio, INJECTED, keepAwake, recoverFrom } from './steps.js';

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

export const kernelSwitch: Scenario = {
  name: 'kernel-switch',
  title: 'x',
  demands: ['R3.3', 'R3.4', 'R3.5'],
  layout: { ports: [SWITCHED] },
  async run(lab) {
    await bindVfio(lab, 'ep_behind');
    await keepAwake(lab, 'ep_behind');
    for (const id of ['ep_behind', 'dp1', 'up1']) {
      await recoverFrom(lab, id, INJECTED.nonfatal);
      await recoverFrom(lab, id, INJECTED.fatal);
    }
  },
};

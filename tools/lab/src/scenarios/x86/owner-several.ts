import { type Lab } from '../../session/lab.js';
import { type Scenario } from '../scenario.js';
import { callbacks, now, own, OWNED, recovered, saidSince, works, type Ended, type Received } from './owned.js';
import { INJECTED } from './steps.js';

const kernelRecoveries = (calls: readonly { readonly function: string }[]): number =>
  calls.filter((call) => call.function === 'pcie_do_recovery').length;

/** Two errors in a row: none is lost, none is recovered twice. */
export const ownerBackToBack: Scenario = {
  name: 'owner-back-to-back',
  title: 'two errors back to back: the kernel may signal once; afterwards the device works and nothing is left over',
  demands: ['R3.5'],
  layout: OWNED,
  async run(lab: Lab) {
    const { findings } = lab;
    const owner = await own(lab, ['ep_single']);
    const bdf = lab.bdf('ep_single');
    const from = now(owner);
    const evidence = await lab.observe('back-to-back', async () => {
      const recovery = lab.logged(/device recovery successful/);
      await lab.inject('ep_single', INJECTED.nonfatal);
      await lab.inject('ep_single', 'POISON_TLP');
      await owner.until('ended', () => true, from);
      await recovery;
    });
    // The device is asked after all that: whatever else came of the errors has been heard of by then.
    findings.check('the device works', await works(owner, bdf), true);
    const received = saidSince<Received>(owner, from, 'received').length;
    const ends = saidSince<Ended>(owner, from, 'ended');
    findings.check('every recovery of ours ends well', [...new Set(ends.map(({ result }) => result))], ['recovered']);
    findings.check('nothing was received that did not end', received, ends.length);
    findings.check('there are no more of ours than of the kernel', received <= kernelRecoveries(evidence.calls), true);
    findings.check('no status is left', evidence.registers[bdf]?.uncorrectableStatus, 0);
    findings.fact('recoveries', { kernel: kernelRecoveries(evidence.calls), ours: received });
    findings.fact('signals', saidSince(owner, from, 'signal'));
    const [next] = await recovered(lab, owner, 'ep_single', INJECTED.nonfatal);
    findings.check('the next error is seen for what it is', next.result, 'recovered');
    await owner.ask('quit');
  },
};

/** Two functions below one port. */
export const ownerTwoFunctions: Scenario = {
  name: 'owner-two-functions',
  title: 'two functions below one port: an error of either is one recovery of both, and both work again',
  demands: ['R1.1', 'R3.4', 'R3.5'],
  layout: OWNED,
  async run(lab: Lab) {
    const { findings } = lab;
    const ids = ['ep_pair0', 'ep_pair1'];
    const owner = await own(lab, ids);
    const [first, second] = ids.map((id) => lab.bdf(id));
    for (const [error, channel] of [
      [INJECTED.nonfatal, 'normal'],
      [INJECTED.fatal, 'frozen'],
    ] as const) {
      const from = now(owner);
      const [ended] = await recovered(lab, owner, 'ep_pair1', error);
      findings.check(`${error}: it ends well`, ended.result, 'recovered');
      findings.check(`${error}: both take part`, ended.members, [first, second]);
      findings.check(`${error}: both are told at first`, callbacks(owner, from).slice(0, 2), [
        `errorDetected ${first} ${channel}`,
        `errorDetected ${second} ${channel}`,
      ]);
      const [received] = saidSince<Received>(owner, from, 'received');
      findings.check(`${error}: the source is the one with the error`, received?.record.sources, [second]);
      for (const bdf of [first!, second!]) findings.check(`${error}: ${bdf} works`, await works(owner, bdf), true);
      findings.check(`${error}: one recovery`, saidSince(owner, from, 'received').length, 1);
    }
    await owner.ask('quit');
  },
};

/** An error of the port above. */
export const ownerRootPort: Scenario = {
  name: 'owner-root-port',
  title: 'an error on the root port itself concerns everything below it, and is known to be the port’s',
  demands: ['R3.4'],
  layout: OWNED,
  async run(lab: Lab) {
    const { findings } = lab;
    const ids = ['ep_pair0', 'ep_pair1'];
    const owner = await own(lab, ids);
    const from = now(owner);
    const [ended] = await recovered(lab, owner, 'rp2', INJECTED.nonfatal);
    findings.check('it ends well', ended.result, 'recovered');
    findings.check(
      'everything below takes part',
      ended.members,
      ids.map((id) => lab.bdf(id)),
    );
    const [received] = saidSince<Received>(owner, from, 'received');
    findings.check('the source is the port', received?.record.sources, [lab.bdf('rp2')]);
    for (const id of ids) findings.check(`${id} works`, await works(owner, lab.bdf(id)), true);
    await owner.ask('quit');
  },
};

import { type Lab } from '../../session/lab.js';
import { type Scenario } from '../scenario.js';
import { callbacks, now, own, OWNED, recovered, saidSince, startOwner, works, type Ended } from './owned.js';
import { INJECTED, ueventTexts } from './steps.js';

/** A sibling without driver sinks the kernel's recovery, and so ours. */
export const ownerDriverlessSibling: Scenario = {
  name: 'owner-driverless-sibling',
  title: 'a sibling without driver: the kernel gives up, so do we, and say why; its second signal is no second error',
  demands: ['R1.3', 'R1.7'],
  layout: OWNED,
  async run(lab: Lab) {
    const { findings } = lab;
    await lab.guest.unbind(lab.bdf('ep_pair1'));
    const owner = await own(lab, ['ep_pair0']);
    const bdf = lab.bdf('ep_pair0');
    for (const [error, channel] of [
      [INJECTED.nonfatal, 'normal'],
      [INJECTED.fatal, 'frozen'],
    ] as const) {
      const from = now(owner);
      const [ended, evidence] = await recovered(lab, owner, 'ep_pair0', error);
      findings.check(`${error}: it is given up`, ended.result, 'disconnected');
      findings.check(`${error}: and we say why`, ended.why, 'The host gave up.');
      findings.check(`${error}: nobody is handed back`, ended.usable, []);
      findings.check(`${error}: the driver hears of both`, callbacks(owner, from), [
        `errorDetected ${bdf} ${channel}`,
        `errorDetected ${bdf} perm_failure`,
      ]);
      findings.check(
        `${error}: the kernel reports failure`,
        ueventTexts(evidence).at(-1),
        `FAILED_RECOVERY ${lab.bdf('ep_pair1')}`,
      );
      await lab.guest.state();
      findings.check(`${error}: its second signal is no second error`, saidSince(owner, from, 'received').length, 1);
    }
    await owner.ask('quit');
  },
};

/** The kernel's reset of the link fails. */
export const ownerResetFails: Scenario = {
  name: 'owner-reset-fails',
  title: 'the kernel cannot reset the link: the recovery fails, and nobody is handed back',
  demands: ['R1.4', 'R3.7'],
  layout: { ...OWNED, nativeHotplug: false },
  async run(lab: Lab) {
    const { findings } = lab;
    const owner = await own(lab, ['ep_single']);
    const from = now(owner);
    const [ended, evidence] = await recovered(lab, owner, 'ep_single', INJECTED.fatal);
    findings.check('it is given up', ended.result, 'disconnected');
    findings.check('because the host did', ended.why, 'The host gave up.');
    findings.check('nobody is handed back', ended.usable, []);
    findings.check(
      'the driver hears of it',
      callbacks(owner, from).at(-1),
      `errorDetected ${lab.bdf('ep_single')} perm_failure`,
    );
    findings.check('the kernel says so', ueventTexts(evidence).at(-1), `FAILED_RECOVERY ${lab.bdf('ep_single')}`);
    await owner.ask('quit');
  },
};

/** The device is taken away in the middle. */
export const ownerRemoved: Scenario = {
  name: 'owner-removed',
  title: 'the device is removed in the middle of its recovery: we let go when we are asked to, and hand nothing back',
  demands: ['R1.4'],
  layout: OWNED,
  async run(lab: Lab) {
    const { findings, guest } = lab;
    const owner = await own(lab, ['ep_single'], { temper: { hangs: 'slotReset' }, deadlineMs: 3000 });
    const bdf = lab.bdf('ep_single');
    const from = now(owner);
    await lab.inject('ep_single', INJECTED.fatal);
    await owner.until('callback', (one) => one['callback'] === 'slotReset', from);
    // The write returns only when the device has been let go.
    await guest.exec('sh', '-c', `(echo 1 > /sys/bus/pci/devices/${bdf}/remove) > /dev/null 2>&1 &`);
    await owner.until('request', () => true, from);
    await owner.ask('release', { bdf });
    const ended = await owner.until<Ended>('ended', () => true, from);
    findings.check('it is given up', ended.result, 'disconnected');
    findings.check('nobody is handed back', ended.usable, []);
    const left = await guest.exec(
      'sh',
      '-c',
      `for n in 1 2 3 4 5 6 7 8 9 10; do [ -e /sys/bus/pci/devices/${bdf} ] || break; sleep 0.2; done; ls /sys/bus/pci/devices`,
    );
    findings.check('the function is gone', left.includes(bdf), false);
    findings.check(
      'nothing of it is kept open',
      (await owner.ask<{ known: string[] }>('resources')).known.filter((one) => one.includes(bdf)),
      [],
    );
    await owner.ask('quit');
    findings.check('our program ends in order', (await owner.ended()).status, 0);
  },
};

/** Our program dies in the middle, and is started again. */
export const ownerKilled: Scenario = {
  name: 'owner-killed',
  title:
    'our process is killed in the middle of a recovery and started again: it begins with a survey, and the device works',
  demands: ['R3.7'],
  layout: OWNED,
  async run(lab: Lab) {
    const { findings } = lab;
    const bdf = lab.bdf('ep_single');
    let owner = await own(lab, ['ep_single'], { temper: { hangs: 'errorDetected' } });
    for (const place of ['errorDetected', 'slotReset'] as const) {
      if (place === 'slotReset') owner = await startOwner(lab, ['ep_single'], { temper: { hangs: place } });
      const from = now(owner);
      await lab.inject('ep_single', INJECTED.fatal);
      await owner.until('callback', (one) => one['callback'] === place, from);
      findings.check(`in ${place}: it is killed`, (await owner.kill()).signal, 'SIGKILL');
      const again = await startOwner(lab, ['ep_single']);
      findings.check(`in ${place}: the device works for the next one`, await works(again, bdf), true);
      findings.fact(
        `survey after ${place}`,
        again.said.filter(({ event }) => event === 'received' || event === 'ended'),
      );
      const [ended] = await recovered(lab, again, 'ep_single', INJECTED.fatal);
      findings.check(`in ${place}: the next error is recovered`, ended.result, 'recovered');
      findings.check(`in ${place}: and the device works`, await works(again, bdf), true);
      await again.ask('quit');
    }
  },
};

import { type Bdf } from '@pci-recovery/core';
import { LINK_CONTROL, PCIE } from '@pci-recovery/pci';
import { type GuestProgram } from '../../session/guest-program.js';
import { type Lab } from '../../session/lab.js';
import { type Scenario } from '../scenario.js';
import { callbacks, now, own, OWNED, recovered, saidSince, works, type Ended, type Received } from './owned.js';
import { INJECTED, STATUS, ueventTexts } from './steps.js';

/** What our platform said of the last error. */
const lastReceived = (owner: { readonly said: readonly { readonly event: string }[] }): Received | undefined =>
  owner.said.filter((one): one is Received => one.event === 'received').at(-1);

/** A correctable error is counted and recorded, and nobody is told. */
export const ownerCorrectable: Scenario = {
  name: 'owner-correctable',
  title: 'a correctable error is counted by the kernel and recorded by us; the driver of the device hears nothing',
  demands: ['R1.2'],
  layout: OWNED,
  async run(lab: Lab) {
    const { findings } = lab;
    const owner = await own(lab, ['ep_single']);
    const bdf = lab.bdf('ep_single');
    const from = now(owner);
    const evidence = await lab.observe('correctable', async () => {
      await lab.inject('ep_single', INJECTED.correctable);
      await owner.until('recorded', () => true, from);
    });
    findings.check('the kernel counts it', evidence.counted[bdf]?.['TOTAL_ERR_COR'], 1);
    findings.check(
      'we record it',
      saidSince(owner, from, 'recorded').map((one) => one['severity']),
      ['correctable'],
    );
    findings.check('no eventfd', saidSince(owner, from, 'signal'), []);
    findings.check(
      'no callback',
      callbacks(owner, from).filter((one) => !one.startsWith('corErrorDetected')),
      [],
    );
    const recoveries = saidSince<Ended>(owner, from, 'ended').filter(({ result }) => result !== 'ignored');
    findings.check('no recovery', recoveries, []);
    findings.check('the device works', await works(owner, bdf), true);
    await owner.ask('quit');
  },
};

/** A non-fatal error is recovered without a reset. */
export const ownerNonfatal: Scenario = {
  name: 'owner-nonfatal',
  title: 'a non-fatal error: our driver looks at its device and goes on, without any reset',
  demands: ['R1.1', 'R3.4', 'R3.8', 'R3.11'],
  layout: OWNED,
  async run(lab: Lab) {
    const { findings } = lab;
    const owner = await own(lab, ['ep_single']);
    const bdf = lab.bdf('ep_single');
    const from = now(owner);
    const [ended, evidence] = await recovered(lab, owner, 'ep_single', INJECTED.nonfatal);
    findings.check('it ends well', ended.result, 'recovered');
    findings.check('our driver is called in this order', callbacks(owner, from), [
      `errorDetected ${bdf} normal`,
      `mmioEnabled ${bdf}`,
      `resume ${bdf}`,
    ]);
    findings.check('severity and source are known', lastReceived(owner)?.severity, 'nonfatal');
    findings.check('the source is the function', lastReceived(owner)?.record.sources, [bdf]);
    findings.check(
      'the kernel signals once',
      saidSince(owner, from, 'signal').map((one) => one['signals']),
      [1],
    );
    findings.check('uevents tell of the recovery', ueventTexts(evidence), [
      `BEGIN_RECOVERY ${bdf}`,
      `SUCCESSFUL_RECOVERY ${bdf}`,
    ]);
    findings.check('the host did not reset', ended.steps.includes('await_host left'), true);
    findings.check('no link was reset', resets(evidence.calls), []);
    findings.check('no status is left', evidence.registers[bdf]?.uncorrectableStatus, 0);
    findings.check('the device works', await works(owner, bdf), true);
    findings.fact('milliseconds', ended.milliseconds);
    await owner.ask('quit');
  },
};

/** A fatal error: the kernel resets the link, and the device works again in our driver's hands. */
export const ownerFatal: Scenario = {
  name: 'owner-fatal',
  title: 'a fatal error: after the kernel’s one reset our driver has the device working again, interrupts and all',
  demands: ['R1.1', 'R2.7', 'R3.4', 'R3.5', 'R3.8', 'R5.2'],
  layout: OWNED,
  async run(lab: Lab) {
    const { findings } = lab;
    const owner = await own(lab, ['ep_single']);
    const bdf = lab.bdf('ep_single');
    const before = (await lab.guest.state()).get(bdf)?.decoded;
    findings.check('sysfs writes reach the device that we hold', await setCommonClock(lab, owner, bdf), COMMON_CLOCK);
    const from = now(owner);
    const [ended, evidence] = await recovered(lab, owner, 'ep_single', INJECTED.fatal);
    findings.check('it ends well', ended.result, 'recovered');
    findings.check('our driver is called in this order', callbacks(owner, from), [
      `errorDetected ${bdf} frozen`,
      `slotReset ${bdf}`,
      `resume ${bdf}`,
    ]);
    findings.check('severity is known', lastReceived(owner)?.severity, 'fatal');
    findings.check('the host reset the link', ended.steps.includes('await_host reset'), true);
    findings.check('once, and nobody else did', resets(evidence.calls).length, 1);
    const registers = evidence.registers[bdf];
    findings.check('the sticky status is cleared', (registers?.uncorrectableStatus ?? 0) & STATUS.fatal, 0);
    findings.check('Command is restored', registers?.command, before?.header?.registers.command);
    findings.check('Device Control is restored', registers?.deviceControl, before?.pcie?.registers.deviceControl);
    findings.check(
      'Link Control is restored, although VFIO lets nobody write it',
      (await linkControl(lab, bdf)) & COMMON_CLOCK,
      COMMON_CLOCK,
    );
    findings.check('the device completes a request, with an interrupt', await works(owner, bdf), true);
    findings.fact('milliseconds', ended.milliseconds);
    findings.fact('steps', ended.steps);
    const again = now(owner);
    const [second] = await recovered(lab, owner, 'ep_single', INJECTED.fatal);
    findings.check('the next fatal error is seen and recovered too', second.result, 'recovered');
    findings.check('and is counted once', saidSince(owner, again, 'received').length, 1);
    findings.check('the device works after it', await works(owner, bdf), true);
    await owner.ask('quit');
  },
};

const COMMON_CLOCK = LINK_CONTROL.commonClock.mask;

const linkControl = async (lab: Lab, bdf: Bdf): Promise<number> =>
  (await lab.guest.state()).get(bdf)?.decoded.pcie?.registers.linkControl ?? 0;

/**
 * Sets Common Clock Configuration, which VFIO lets its holder not write and the emulator's devices lose with a reset, by the host's view of
 * configuration space, and has it saved. The bit as VFIO shows it then.
 */
async function setCommonClock(lab: Lab, owner: GuestProgram, bdf: Bdf): Promise<number> {
  const pcie = (await lab.guest.state()).get(bdf)!.decoded.pcie!;
  const [at, value] = [pcie.offset + PCIE.LINK_CONTROL, pcie.registers.linkControl | COMMON_CLOCK];
  const shown = await owner.ask<number>('host-write', { bdf, at, value });
  await owner.ask('save', { bdf });
  return shown & COMMON_CLOCK;
}

/** Resets of links, by whoever asked for them. */
const resets = (calls: readonly { readonly function: string; readonly bdf?: string }[]): readonly string[] =>
  calls.filter((call) => call.function === 'pci_bridge_secondary_bus_reset').map(({ bdf }) => bdf ?? '');

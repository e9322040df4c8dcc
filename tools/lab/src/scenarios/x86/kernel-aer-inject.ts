import { join } from 'node:path';
import { type AerInjection } from '@pci-recovery/aer/sim';
import { type Evidence } from '../../evidence/evidence.js';
import { type Lab } from '../../session/lab.js';
import { type Scenario } from '../scenario.js';
import {
  descriptionsIn,
  injectionsOf,
  injectorBytes,
  MADE,
  type Descriptions,
  type NamedInjection,
} from './kernel-inject-descriptions.js';
import { SINGLE } from './layouts.js';
import { bindVfio, callOrder, keepAwake, recoverAll } from './steps.js';

/** Where further descriptions may lie: beside the checkout. */
const BESIDE = join(import.meta.dirname, '..', '..', '..', '..', '..', '..', 'shared', 'data', 'aer-inject');

/** The made descriptions, and those beside the checkout; says visibly when there are none. */
function allDescriptions(lab: Lab): Descriptions {
  const beside = descriptionsIn(BESIDE);
  lab.findings.fact('descriptions beside the checkout', beside ? Object.keys(beside) : 'none there: made ones only');
  if (!beside) process.stderr.write('  no aer-inject descriptions beside the checkout: made ones only\n');
  const renamed = Object.entries(beside ?? {}).map(([name, text]) => [`beside-${name}`, text] as const);
  return { ...MADE, ...Object.fromEntries(renamed) };
}

type Severity = 'correctable' | 'nonfatal' | 'fatal';

/** One bit that is fatal makes the message fatal (aer_inject.c:aer_inject). */
const severityOf = ({ uncorrectable }: AerInjection, fatalBits: number): Severity =>
  uncorrectable === 0 ? 'correctable' : (uncorrectable & fatalBits) !== 0 ? 'fatal' : 'nonfatal';

async function inject(lab: Lab, { injection }: NamedInjection): Promise<void> {
  const bytes = Buffer.from(injectorBytes(injection, lab.bdf('ep_single'))).toString('base64');
  await lab.guest.run('scenarios/x86/kernel-inject-guest.js', { bytes });
}

/** A correctable error ends with its line in the log. */
function correctable(lab: Lab, one: NamedInjection): Promise<Evidence> {
  return lab.observe(one.name, async () => {
    const printed = lab.logged(/severity=Correctable/);
    await inject(lab, one);
    await printed;
  });
}

const TOTALS = { correctable: 'TOTAL_ERR_COR', nonfatal: 'TOTAL_ERR_NONFATAL', fatal: 'TOTAL_ERR_FATAL' } as const;

async function oneError(lab: Lab, one: NamedInjection, severity: Severity): Promise<void> {
  const endpoint = lab.bdf('ep_single');
  const seen =
    severity === 'correctable'
      ? await correctable(lab, one)
      : await recoverAll(lab, one.name, 1, () => inject(lab, one));
  const { findings } = lab;
  findings.check(
    `${one.name}: the trace event says so`,
    seen.aerEvents.map((event) => [event.bdf, event.severity]),
    [[endpoint, severity]],
  );
  findings.check(
    `${one.name}: it is counted as ${severity}`,
    (seen.counted[endpoint]?.[TOTALS[severity]] ?? 0) > 0,
    true,
  );
  const resets = callOrder(seen).filter((call) => call.startsWith('aer_root_reset'));
  findings.check(`${one.name}: the link is reset when it is fatal`, resets.length, severity === 'fatal' ? 1 : 0);
}

/** The kernel's own injector, which stands between the kernel and the registers: never in one boot with QEMU's. */
export const kernelAerInject: Scenario = {
  name: 'kernel-aer-inject',
  title: 'errors described for aer-inject, of every severity, given to the injector of the kernel itself',
  demands: ['R1.2', 'R3.1', 'R3.4'],
  layout: { ports: [SINGLE] },
  async run(lab) {
    await bindVfio(lab, 'ep_single');
    await keepAwake(lab, 'ep_single');
    await lab.load('aer_inject');
    const { decoded } = (await lab.guest.state()).get(lab.bdf('ep_single'))!;
    const fatalBits = decoded.aer!.registers.uncorrectableSeverity;
    for (const one of injectionsOf(allDescriptions(lab)))
      await oneError(lab, one, severityOf(one.injection, fatalBits));
  },
};

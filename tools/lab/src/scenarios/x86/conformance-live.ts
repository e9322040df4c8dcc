import { type CaseResult } from '@pci-recovery/conformance';
import { type ConformanceInput } from '../../guest/conformance/input.js';
import { type GuestProgram, type Said } from '../../session/guest-program.js';
import { type Lab } from '../../session/lab.js';
import { type Scenario } from '../scenario.js';
import { OWNED } from './owned.js';
import { bindVfio, INJECTED } from './steps.js';

/** Something that the program in the guest asks for. */
interface Asked extends Said {
  readonly ask: number;
  readonly inject: { readonly id: string; readonly error: string };
}

interface Reported extends Said {
  readonly report: { readonly harness: string; readonly profile: string; readonly results: readonly CaseResult[] };
  readonly text: string;
}

const CASE_LIMIT_MS = 180_000;

/** Injects what it asks for, until it is done. */
async function serve(lab: Lab, program: GuestProgram): Promise<Reported> {
  const reported = program.until<Reported>('report');
  // It is waited for below, but may fail before.
  reported.catch(() => undefined);
  for (let ask = 1; ; ask++) {
    const asked = program.until<Asked>('inject', (said) => said['ask'] === ask);
    asked.catch(() => undefined);
    const said = await Promise.race([asked, reported]);
    if (said.event === 'report') return reported;
    const { id, error } = (said as Asked).inject;
    const failed = await lab.inject(id, error).then(
      () => ({}),
      (failure: unknown) => ({ error: String(failure) }),
    );
    await program.ask('injected', { answer: ask, ...failed });
  }
}

/** The conformance suite's level 4 on the AER backend: the same cases that every live harness runs. */
export const conformanceLive: Scenario = {
  name: 'conformance-live',
  title: 'the AER backend meets level 4 of the conformance suite, on a stock kernel, held through VFIO',
  demands: ['R1.1', 'R1.2', 'R1.7', 'R3.3', 'R3.4', 'R3.5', 'R3.6', 'R3.7', 'R3.11'],
  layout: OWNED,
  atLeast: 900,
  async run(lab: Lab) {
    const { findings } = lab;
    await bindVfio(lab, 'ep_single', 'ep_pair0', 'ep_pair1');
    const at = (id: string): { readonly id: string; readonly bdf: string } => ({ id, bdf: lab.bdf(id) });
    const input: ConformanceInput = {
      layouts: { single: { a: at('ep_single') }, pair: { a: at('ep_pair0'), b: at('ep_pair1') } },
      errors: INJECTED,
      caseLimitMs: CASE_LIMIT_MS,
    };
    const program = await lab.guest.start('guest/conformance/conformance.js', input);
    const { report, text } = await serve(lab, program);
    for (const { id, title, status, error } of report.results)
      findings.check(`${id}: ${title}`, error ?? status, 'passed');
    findings.fact('date', new Date().toISOString().slice(0, 10));
    findings.fact('conformance', report);
    findings.fact('text', text.split('\n'));
  },
};

import { KERNEL_ANSWERS } from '@pci-recovery/vfio/testing';
import { type AnswersInput, type RowReport } from '../../guest/answers/input.js';
import { type Said } from '../../session/guest-program.js';
import { type Lab } from '../../session/lab.js';
import { type Scenario } from '../scenario.js';
import { OWNED } from './owned.js';
import { bindVfio } from './steps.js';

const isReport = (said: Said): said is Said & RowReport => ['row', 'untried', 'broke'].includes(said.event);

/** Each row by its name: what this kernel answered, beside what the row says. */
function judge({ findings }: Lab, reports: readonly RowReport[]): void {
  const untried: Record<string, string> = {};
  for (const report of reports) {
    if (report.event === 'row') findings.check(report.id, report.got, report.expected);
    else if (report.event === 'broke') findings.check(`${report.id}: it can be tried`, report.error, 'tried');
    else untried[report.id] = report.why;
  }
  const ids = reports.map(({ id }) => id);
  findings.check(
    'every row was looked at, once',
    ids,
    KERNEL_ANSWERS.map(({ id }) => id),
  );
  findings.fact('rows tried', reports.filter(({ event }) => event === 'row').length);
  findings.fact('rows not tried', untried);
}

/** The rows of the scripted kernel, on the kernel that it is a likeness of. */
export const vfioAnswers: Scenario = {
  name: 'vfio-answers',
  title: 'the kernel answers VFIO calls as the scripted kernel does, errno for errno',
  demands: ['R1.1', 'R4.1', 'R4.2'],
  layout: OWNED,
  async run(lab: Lab) {
    await bindVfio(lab, 'ep_single');
    const program = await lab.guest.start('guest/answers/answers.js', {
      bdf: lab.bdf('ep_single'),
    } satisfies AnswersInput);
    await program.until('done');
    await program.ended();
    judge(lab, program.said.filter(isReport));
  },
};

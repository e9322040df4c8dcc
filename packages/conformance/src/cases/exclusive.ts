import { isPciRecoveryError, wait } from '@pci-recovery/core';
import { holds, same } from '../failure.js';
import { type CaseContext, type ConformanceCase } from './case.js';
import { compare, rowsFor } from './law.js';

const SLOW_MS = 50;

/** Another function of the scope of `a`; itself, where it is alone. */
const mate = (context: CaseContext): string => (context.two === 'pair' ? 'b' : 'a');

/** Level 3: resets that no error asked for, beside recoveries. */
export const EXCLUSIVE_CASES: readonly ConformanceCase[] = [
  {
    id: 'exclusive.waits-for-recovery',
    title: 'exclusive work waits until a recovery of its scope has ended',
    level: 3,
    demands: ['R3.5'],
    requires: ['layout:two'],
    async run(context) {
      const bench = await context.open({ layout: context.two });
      const { event, scope } = await bench.recover(context.recovering[0]!, 'a');
      const before = bench.journal.entries.length;
      bench.interlude = () => wait(bench.subject.clock, SLOW_MS);
      bench.subject.inject(context.recovering[0]!, event.device.bdf === bench.bdf('a') ? mate(context) : 'a');
      await bench.until(() => bench.received.length > 1, 'The second error is reported.');
      await bench.pass(SLOW_MS / 2);
      holds(bench.journal.entries.length > before, 'The second recovery has begun.');
      const ended = await bench.drive(
        bench.engine.exclusive(scope, () => bench.outcomes.length),
        'The work is done.',
      );
      same(ended, 2, 'Exclusive work begins only when the recovery has its outcome.');
    },
  },
  {
    id: 'exclusive.recovery-waits',
    title: 'a recovery waits until exclusive work on its scope has ended, also when that fails',
    level: 3,
    demands: ['R3.5'],
    requires: ['layout:two'],
    async run(context) {
      const bench = await context.open({ layout: context.two });
      const { scope } = await bench.recover(context.recovering[0]!, 'a');
      const before = bench.journal.entries.length;
      const { clock } = bench.subject;
      const work = async (): Promise<void> => {
        await wait(clock, 10 * SLOW_MS);
        same(bench.journal.entries.length, before, 'No driver is called while exclusive work runs.');
        throw new Error('The work fails.');
      };
      const worked = bench.engine.exclusive(scope, work).catch((error: unknown) => error);
      bench.subject.inject(context.recovering[0]!, mate(context));
      const failure = await bench.drive(worked, 'The work ends.');
      same((failure as Error).message, 'The work fails.', 'The failure of the work is its caller’s.');
      await bench.ended(2);
      same(bench.outcomes[1]!.result, 'recovered', 'The recovery that waited is run.');
    },
  },
  {
    id: 'exclusive.reentrant-refused',
    title: 'a callback that asks for exclusive use of its own scope is refused at once, and the recovery goes on',
    level: 3,
    demands: ['R3.5'],
    requires: ['layout:two'],
    async run(context) {
      for (const row of rowsFor(context, context.two, {})) {
        const bench = await context.open({ layout: row.layout, script: row.script });
        const codes: string[] = [];
        bench.interlude = async ({ bdf, generation }) => {
          const member = {
            bdf,
            generation,
            bridge: false,
            channel: 'normal',
            driver: true,
            handles: new Set<never>(),
          } as const;
          const scope = { id: 'own', members: [member], capabilities: {} };
          await bench.engine
            .exclusive(scope, () => undefined)
            .catch((error: unknown) => {
              codes.push(isPciRecoveryError(error) ? error.code : String(error));
            });
        };
        const outcome = await bench.recover(row.incident, row.at);
        const refusals = bench.journal.entries.map(() => 'ERR_PCI_REENTRANT_RESET');
        same(codes, refusals, `"${row.incident}": every callback is refused.`);
        compare(context, bench, row, outcome, ['timeline', 'result']);
        await context.closeAll();
      }
    },
  },
];

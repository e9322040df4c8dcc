import { type RecoveryProcedure, type Step } from '@pci-recovery/core';
import { drawProcedure, type EdgeLabel, type Input } from '@pci-recovery/core/exploration';
import { readFileSync, writeFileSync } from 'node:fs';
import { zpciHostProcedure, zpciOwnerProcedure } from '../../src/index.js';
import { eventOf, everything, scopeOf, WHOLE } from './shapes.js';

const PAGE = new URL('../../../../docs/zpci.md', import.meta.url);

/** A wait that was cut short in the middle. */
const isCutShort = (step: Step, input: Input): boolean =>
  step.do === 'operate' &&
  step.operation.nature === 'wait' &&
  input.kind === 'result' &&
  !input.result.ok &&
  input.result.why === 'stopped';

/** What is written at an arrow. */
const label: EdgeLabel = (step, input) => {
  if (input.kind === 'stopped' || isCutShort(step, input)) return 'stopped';
  if (input.kind === 'result') {
    if (!input.result.ok) return 'fails';
    return typeof input.result.value === 'string' && input.result.value !== '' ? input.result.value : 'ok';
  }
  const [answer] = input.answers;
  if (answer?.gave === 'vote') return answer.vote;
  return answer?.gave === 'told' ? 'told' : 'no valid answer';
};

function draw(procedure: RecoveryProcedure, pec: number, values: Readonly<Record<string, readonly string[]>>): string {
  const scope = scopeOf(WHOLE, { hot_reset: true });
  const first = procedure.begin({ event: eventOf(pec), scope, verdict: 'recover' });
  return drawProcedure([first], everything(scope, values), label);
}

const HOST = {
  refresh_handle: ['current', 'stale', 'over', 'unknown'],
  store_record: ['stored', 'full', 'not_mediated'],
};

const DRAWINGS = {
  host: () => draw(zpciHostProcedure, 0x04, HOST),
  'host-permanent': () => draw(zpciHostProcedure, 0x3b, HOST),
  owner: () => draw(zpciOwnerProcedure, 0x04, { confirm_error: ['error', 'over'] }),
};

const block = (name: string, drawing: string): string =>
  `<!-- drawn: ${name} -->\n\n\`\`\`mermaid\n${drawing}\`\`\`\n\n<!-- /drawn -->`;

describe.each(Object.entries(DRAWINGS))('the drawing "%s" in docs/zpci.md', (name, drawing) => {
  it('is what the procedure does now (UPDATE=1 redraws it)', () => {
    const page = readFileSync(PAGE, 'utf8');
    const drawn = new RegExp(`<!-- drawn: ${name} -->[^]*?<!-- /drawn -->`).exec(page)?.[0];
    if (process.env['UPDATE'] && drawn) {
      writeFileSync(
        PAGE,
        page.replace(drawn, () => block(name, drawing())),
      );
    } else expect(drawn).toBe(block(name, drawing()));
  });
});

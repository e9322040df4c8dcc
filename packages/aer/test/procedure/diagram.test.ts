import { type RecoveryProcedure } from '@pci-recovery/core';
import { drawProcedure, type EdgeLabel } from '@pci-recovery/core/exploration';
import { readFileSync, writeFileSync } from 'node:fs';
import { aerHostProcedure } from '../../src/procedure/host.js';
import { aerObserverProcedure } from '../../src/procedure/observer.js';
import { aerOwnerProcedure } from '../../src/procedure/owner.js';
import { eventOf, everything, scopeOf, TELLING_SHAPES } from './shapes.js';

const ADDRESS = '0000:01:00.0';
const PAGE = new URL('../../../../docs/aer.md', import.meta.url);

/** A value that is an address is that of a function which does not answer. */
const labelOf = (value: unknown): string => (value === ADDRESS ? 'silent' : (value as string) || 'ok');

/** What is written at an arrow: the answer of the one function that is drawn. */
const label: EdgeLabel = (_, input) => {
  if (input.kind === 'stopped') return 'stopped';
  if (input.kind === 'result') return input.result.ok ? labelOf(input.result.value) : 'fails';
  const [answer] = input.answers;
  if (answer?.gave === 'vote') return answer.vote;
  return answer?.gave === 'told' ? 'told' : 'no valid answer';
};

function draw(
  procedure: RecoveryProcedure,
  severity: 'nonfatal' | 'fatal',
  values: Readonly<Record<string, readonly string[]>>,
): string {
  const scope = scopeOf([TELLING_SHAPES[0]!], { native_aer: true, hot_reset: true });
  const first = procedure.begin({ event: eventOf(severity), scope, verdict: 'recover' });
  return drawProcedure([first], everything(scope, values), label);
}

const HOST_VALUES = { confirm_source: ['error', 'broken', 'none'] };
const OWNER_VALUES = { await_host: ['reset', 'left', 'gave_up'] };

const OBSERVER_VALUES = {
  follow_host: ['successful', 'failed', 'quiet'],
  read_status: ['clean', 'marked', 'unknown'],
  look: ['', ADDRESS],
};

const DRAWINGS = {
  'host-nonfatal': () => draw(aerHostProcedure, 'nonfatal', { confirm_source: ['error', 'none'] }),
  'host-fatal': () => draw(aerHostProcedure, 'fatal', HOST_VALUES),
  observer: () => draw(aerObserverProcedure, 'nonfatal', OBSERVER_VALUES),
  owner: () => draw(aerOwnerProcedure, 'nonfatal', OWNER_VALUES),
};

const block = (name: string, drawing: string): string =>
  `<!-- drawn: ${name} -->\n\n\`\`\`mermaid\n${drawing}\`\`\`\n\n<!-- /drawn -->`;

describe.each(Object.entries(DRAWINGS))('the drawing "%s" in docs/aer.md', (name, drawing) => {
  it('is what the procedure does now (UPDATE=1 redraws it)', () => {
    const page = readFileSync(PAGE, 'utf8');
    const drawn = new RegExp(`<!-- drawn: ${name} -->[^]*?<!-- /drawn -->`).exec(page)?.[0];
    if (process.env['UPDATE'] && drawn)
      writeFileSync(
        PAGE,
        page.replace(drawn, () => block(name, drawing())),
      );
    else expect(drawn).toBe(block(name, drawing()));
  });
});

import { type RecoveryProcedure } from '@pci-recovery/core';
import { drawProcedure, type Alphabet, type EdgeLabel } from '@pci-recovery/core/exploration';
import { readFileSync, writeFileSync } from 'node:fs';
import { eehHostProcedure } from '../../src/procedure/host.js';
import { eehOwnerProcedure } from '../../src/procedure/owner.js';
import { type EehErrorKind } from '../../src/record.js';
import { eventOf, everything, ownerAlphabet, scopeOf, TELLING_SHAPES, type Shape } from './shapes.js';

const PAGE = new URL('../../../../docs/eeh.md', import.meta.url);

/** What is written at an arrow: the answer of the one function that is drawn, or how an operation ended. */
const label: EdgeLabel = (from, input) => {
  if (input.kind === 'stopped') return 'stopped';
  if (input.kind === 'answers') {
    const [answer] = input.answers;
    if (answer === undefined) return 'nobody to call';
    if (answer.gave === 'vote') return answer.vote;
    return answer.gave === 'told' ? 'told' : 'no valid answer';
  }
  if (!input.result.ok) return 'fails';
  const value = input.result.value as Record<string, number> | null | undefined;
  if (from.at === 'check_presence') return value!['devices']! > 0 ? 'present' : 'absent';
  if (from.at === 'count_freeze') return value!['count']! > value!['most']! ? 'too often' : 'allowed';
  if (from.at === 'unplug') return value!['devices']! > 0 ? 'some left' : 'nobody left';
  return 'ok';
};

const AWARE: Shape = TELLING_SHAPES[0]!;
const INSENSITIVE: Shape = TELLING_SHAPES[1]!;

/** Without what can stop or fail at every place, the way stays visible. */
const working = (alphabet: Alphabet): Alphabet => ({
  answers: (step, device) => alphabet.answers(step, device),
  results: (step) => alphabet.results(step).filter((result) => result.ok || result.why === 'failed'),
});

function host(kind: EehErrorKind, shape: Shape): string {
  const wholePhb = kind !== 'frozen_pe';
  const scope = scopeOf([shape], wholePhb);
  const first = eehHostProcedure.begin({ event: eventOf(kind), scope, verdict: 'recover' });
  return drawProcedure([first], working(everything([shape], wholePhb, 'lean')), label);
}

function owner(procedure: RecoveryProcedure): string {
  const scope = { ...scopeOf([AWARE]), capabilities: { pe_reset: true } as const };
  const first = procedure.begin({ event: eventOf('frozen_pe'), scope, verdict: 'recover' });
  return drawProcedure([first], working(ownerAlphabet([AWARE])), label);
}

const DRAWINGS = {
  'host-frozen': () => host('frozen_pe', AWARE),
  'host-insensitive': () => host('frozen_pe', INSENSITIVE),
  'host-dead': () => host('dead_phb', AWARE),
  owner: () => owner(eehOwnerProcedure),
};

const block = (name: string, drawing: string): string =>
  `<!-- drawn: ${name} -->\n\n\`\`\`mermaid\n${drawing}\`\`\`\n\n<!-- /drawn -->`;

describe.each(Object.entries(DRAWINGS))('the drawing "%s" in docs/eeh.md', (name, drawing) => {
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

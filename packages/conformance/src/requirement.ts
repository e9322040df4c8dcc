import { type FactKind } from './fact.js';
import { type CaseContext } from './cases/case.js';
import { METHODS } from './abilities.js';
import { holds, refused, same } from './failure.js';
import { type Ability, type Harness } from './harness.js';
import { QUIET_MS } from './bench/bench.js';
import { LACKS_SPECIAL, SPECIAL_PARTS, type SpecialPart } from './law/special-part.js';

/**
 * What a case needs. `layout:pair`: the machine; `layout:two`: one with `a` and `b`, in one scope or not; `sees:reset`: a witness that sees it; `breaks:reset`: an act of the
 * law that can be let fail; `breaks`: any; `lacks`: capabilities that can be missing; an {@link Ability}; `live`: a
 * real machine; `law:…`: something that not every platform's law has.
 */
export type Requirement =
  | `layout:${string}`
  | `sees:${FactKind}`
  | 'breaks'
  | `breaks:${string}`
  | 'lacks'
  | 'live'
  | Ability
  | `law:${LawPart}`;

/** Parts of a law that a platform may not have. */
export type LawPart = 'recorded' | 'uevents' | 'survey' | 'repetition-limit' | 'raw' | SpecialPart;

const PARTS: Readonly<Record<LawPart, (harness: Harness) => boolean>> = {
  recorded: ({ profile }) => Object.values(profile.incidents).some((incident) => !incident.recovers),
  uevents: ({ profile }) => profile.uevents !== undefined,
  survey: ({ profile }) => profile.surveyFinds.length > 0,
  'repetition-limit': ({ profile }) => profile.repetitionLimit !== undefined,
  raw: ({ profile }) => profile.raw,
  ...SPECIAL_PARTS,
};

const split = (requirement: Requirement): [string, string | undefined] => {
  const colon = requirement.indexOf(':');
  return colon < 0 ? [requirement, undefined] : [requirement.slice(0, colon), requirement.slice(colon + 1)];
};

/** Whether a harness says that it has a layout. */
export const hasLayout = ({ profile, layouts }: Harness, layout: string): boolean =>
  Object.hasOwn(profile.layouts, layout) && (layouts?.includes(layout) ?? true);

const offers = (list: readonly string[] | undefined, what: string | undefined): boolean =>
  what === undefined ? (list?.length ?? 0) > 0 : (list?.includes(what) ?? false);

/** Kind of requirement → whether it is met, and what is said when it is not. */
const OFFERS: Readonly<Record<string, [(harness: Harness, what: string | undefined) => boolean, string]>> = {
  layout: [
    (harness, what) => (what === 'two' ? ['pair', 'disjoint'] : [what!]).some((layout) => hasLayout(harness, layout)),
    'there is no such layout',
  ],
  sees: [({ sees }, what) => offers(sees, what), 'the witness cannot see it'],
  breaks: [({ breaks }, what) => offers(breaks, what), 'it cannot be let fail'],
  lacks: [({ lacks }, what) => offers(lacks, what), 'no capability can be left out'],
  live: [({ live }) => live === true, 'it is no real machine'],
  law: [(harness, what) => PARTS[what as LawPart](harness), 'the law has no such thing'],
  unplug: [({ abilities }) => offers(abilities, 'unplug'), 'the harness does not offer it'],
  replug: [({ abilities }) => offers(abilities, 'replug'), 'the harness does not offer it'],
  garble: [({ abilities }) => offers(abilities, 'garble'), 'the harness does not offer it'],
  probe: [({ abilities }) => offers(abilities, 'probe'), 'the harness does not offer it'],
  unreported: [({ abilities }) => offers(abilities, 'unreported'), 'the harness does not offer it'],
  hold: [({ abilities }) => offers(abilities, 'hold'), 'the harness does not offer it'],
};

/** Why a requirement is not met; undefined when it is. */
export function unmet(requirement: Requirement, harness: Harness): string | undefined {
  const [kind, what] = split(requirement);
  const [met, otherwise] = OFFERS[kind]!;
  return met(harness, what) ? undefined : `${requirement}: ${otherwise}`;
}

/**
 * The negative case of a requirement that is not met: what is not offered is refused cleanly, and not claimed.
 * @throws ConformanceFailure when it is there after all.
 */
export async function refusesWhatItLacks(requirement: Requirement, context: CaseContext): Promise<void> {
  const [kind, what] = split(requirement);
  const { harness } = context;
  if (kind === 'layout') {
    await refused(async () => harness.create({ layout: what! }), `Layout "${what}" is not offered: it is refused.`);
  } else if (kind === 'sees') {
    await seesNothing(context, what as FactKind);
  } else if (kind === 'breaks') {
    const subject = await context.subject({ layout: 'single' });
    const breakIt = (): void => subject.breakNext!(what ?? 'anything', 1);
    if (subject.breakNext) await refused(breakIt, 'An act that cannot be broken is refused.');
  } else if (kind === 'lacks') {
    const create = async (): Promise<unknown> => harness.create({ layout: 'single', lacking: ['anything'] });
    await refused(create, 'A machine without some capability is not offered: it is refused.');
  } else if (kind === 'law') {
    await LAWLESS[what as LawPart](context);
  } else if (kind === 'live') {
    const subject = await context.subject({ layout: 'single' });
    holds(subject.live === undefined, 'The harness does not say that it is live, but the subject is.');
  } else {
    const subject = await context.subject({ layout: 'single' });
    holds(
      subject[METHODS[kind as Ability]] === undefined,
      `The harness does not claim "${kind}", but the subject has it.`,
    );
  }
}

async function seesNothing(context: CaseContext, kind: FactKind): Promise<void> {
  const bench = await context.open({ layout: 'single', script: { a: { errorDetected: 'need_reset' } } });
  await bench.recover(context.recovering[0]!, 'a');
  const found = bench.subject
    .witness()
    .filter((fact) => (fact.kind.startsWith('reset') ? 'reset' : fact.kind) === kind);
  same(found, [], `The witness cannot see "${kind}", but it did.`);
}

/** What must hold where a law does not have some part. */
const LAWLESS: Readonly<Record<LawPart, (context: CaseContext) => Promise<void>>> = {
  async recorded({ subject }) {
    const machine = await subject({ layout: 'single' });
    await refused(() => machine.inject('correctable', 'a'), 'The law knows no errors that are recorded only.');
  },
  uevents: (context) => seesNothing(context, 'uevent'),
  async survey(context) {
    const machine = await context.subject({ layout: 'single' });
    machine.inject(context.recovering[0]!, 'a');
    const found = await machine.platform.survey({ signal: new AbortController().signal });
    same(found, [], 'A survey finds nothing on this platform, and does not claim to.');
  },
  async 'repetition-limit'(context) {
    const bench = await context.open({ layout: 'single' });
    for (let count = 0; count < 8; count++) {
      const { result } = await bench.recover(context.recovering[0]!, 'a');
      holds(result !== 'disconnected', `The law has no limit of repetitions, but recovery ${count + 1} failed.`);
    }
    await bench.pass(QUIET_MS);
  },
  async raw(context) {
    const bench = await context.open({ layout: 'single' });
    const { event } = await bench.recover(context.recovering[0]!, 'a');
    holds(event.raw === undefined, 'The profile says that there are no raw bytes, but there are.');
  },
  ...LACKS_SPECIAL,
};

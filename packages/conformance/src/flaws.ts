import { PciRecoveryError } from '@pci-recovery/core';
import { type Harness, type Subject } from './harness.js';
import { METHODS } from './abilities.js';
import { type Layout, type PlatformProfile, type RecoveringIncident, type Stage } from './profile.js';

const nextOf = (stage: Stage): readonly string[] => {
  if (stage.do === 'end') return [];
  if (stage.do === 'act') return [stage.ok, stage.failed, ...(stage.needs ? [stage.needs.otherwise] : [])];
  return typeof stage.next === 'string' ? [stage.next] : Object.values(stage.next);
};

function* incidentFlaws(profile: PlatformProfile, name: string, law: RecoveringIncident): Generator<string> {
  const held = profile.held?.own[name];
  const named = [law.first, law.givenUp, ...(held ? [held] : []), ...Object.values(law.stages).flatMap(nextOf)];
  for (const stage of new Set(named))
    if (!Object.hasOwn(law.stages, stage)) yield `incident "${name}" goes to a stage "${stage}" that it does not have`;
}

function* layoutFlaws(name: string, layout: Layout): Generator<string> {
  const { functions, scopes, lanes, incidents = {} } = layout;
  for (const table of [layout, ...Object.values(incidents)])
    for (const what of ['scopes', 'resets', 'stops'] as const)
      for (const [at, members] of Object.entries(table[what] ?? {}))
        for (const one of new Set([at, ...members]))
          if (!Object.hasOwn(functions, one)) yield `layout "${name}" has no function "${one}", which its ${what} name`;
  for (const one of Object.keys(functions))
    if (functions[one]!.kind === 'endpoint' && !Object.hasOwn(scopes, one))
      yield `layout "${name}" has no scope of its endpoint "${one}"`;
  for (const at of Object.keys(scopes)) if (!Object.hasOwn(lanes, at)) yield `layout "${name}" has no lane of "${at}"`;
}

function* flawsOf({ profile, layouts, abilities = [] }: Harness): Generator<string> {
  const incidents = Object.entries(profile.incidents);
  if (!incidents.some(([, { recovers }]) => recovers)) yield 'the profile has no incident that starts a recovery';
  for (const [name, law] of incidents) if (law.recovers) yield* incidentFlaws(profile, name, law);
  for (const [name, layout] of Object.entries(profile.layouts)) yield* layoutFlaws(name, layout);
  for (const name of new Set(['single', ...(layouts ?? [])]))
    if (!Object.hasOwn(profile.layouts, name)) yield `the profile has no layout "${name}"`;
  if (layouts?.includes('single') === false) yield 'the layout "single" is expected of everybody';
  for (const name of profile.surveyFinds)
    if (!Object.hasOwn(profile.incidents, name))
      yield `surveys find an incident "${name}" that the profile does not have`;
  for (const name of abilities)
    if (!Object.hasOwn(METHODS, name))
      yield `there is no ability "${name}": there are ${Object.keys(METHODS).join(', ')}`;
}

/**
 * Refuses a harness that contradicts itself: nothing could be concluded from its cases.
 * @throws PciRecoveryError `ERR_PCI_BAD_HARNESS` with everything that is wrong.
 */
export function refuseFlaws(harness: Harness): void {
  const flaws = [...flawsOf(harness)];
  if (flaws.length === 0) return;
  throw new PciRecoveryError('ERR_PCI_BAD_HARNESS', `Harness "${harness.name}": ${flaws.join('; ')}.`, {
    context: { flaws },
  });
}

/** The methods that a harness claims for its subjects, and that one does not have. */
export function missingMethods({ abilities = [], breaks = [] }: Harness, subject: Subject): string[] {
  const claims: [string, keyof Subject][] = [
    ...abilities.map((name): [string, keyof Subject] => [`ability "${name}"`, METHODS[name]]),
    ...breaks.slice(0, 1).map((name): [string, keyof Subject] => [`breaking "${name}"`, 'breakNext']),
  ];
  return claims.flatMap(([claim, method]) =>
    subject[method] === undefined ? `The harness claims ${claim}, but its subject has no "${String(method)}".` : [],
  );
}

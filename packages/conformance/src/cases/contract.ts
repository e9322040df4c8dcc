import { isPciRecoveryError, type Capability, type RecoveryScope } from '@pci-recovery/core';
import { engineOf } from '../bench/bench.js';
import { holds, refused, same } from '../failure.js';
import { layoutFor } from '../profile.js';
import { hasLayout } from '../requirement.js';
import { type CaseContext, type ConformanceCase } from './case.js';
import { detectorsOf } from './law.js';
import { takeEvent } from './take-event.js';

const SINGLE = { layout: 'single' } as const;

/** Every capability is there, or says why it is not. */
function reasoned(where: string, capabilities: Readonly<Record<string, Capability>> | undefined): void {
  holds(typeof capabilities === 'object' && capabilities !== null, `${where}: its capabilities are an object.`);
  for (const [name, capability] of Object.entries(capabilities)) {
    const reason = capability === true ? 'there' : capability?.absent;
    holds(typeof reason === 'string' && reason.length > 0, `${where}: capability "${name}" is there or says why not.`);
  }
}

/** Level 0: what a platform promises before anything goes wrong. */
export const CONTRACT_CASES: readonly ConformanceCase[] = [
  {
    id: 'contract.name-on-events',
    title: 'a platform has a name, and its events carry it',
    level: 0,
    demands: [],
    requires: ['layout:single'],
    async run(context) {
      const { platform } = await context.subject(SINGLE);
      holds(typeof platform.name === 'string' && platform.name.length > 0, 'A platform has a name.');
      const event = await takeEvent(await context.openIdle(SINGLE), context.recovering[0]!, 'a');
      same(event.platform, platform.name, 'An event carries the name of its platform.');
    },
  },
  {
    id: 'contract.one-name-once',
    title: 'two platforms of one name are refused by an engine',
    level: 0,
    demands: [],
    requires: ['layout:single'],
    async run({ harness, subject }) {
      const { platform, clock } = await subject(SINGLE);
      const build = (): unknown => engineOf(harness, { platforms: [platform, platform], clock });
      await refused(build, 'Two platforms of one name are refused.', 'ERR_PCI_DUPLICATE_PLATFORM');
    },
  },
  {
    id: 'contract.capabilities-have-reasons',
    title: 'a capability that is absent says why',
    level: 0,
    demands: [],
    requires: ['layout:single'],
    async run(context) {
      const { platform } = await context.subject(SINGLE);
      reasoned('platform', platform.capabilities);
      const bench = await context.open(SINGLE);
      const { event } = await bench.recover(context.recovering[0]!, 'a');
      const scope: RecoveryScope | undefined = bench.subject.platform.scopeOf(event);
      reasoned('scope', scope?.capabilities);
    },
  },
  {
    id: 'contract.events-end-on-abort',
    title: 'events() ends as soon as its signal aborts',
    level: 0,
    demands: [],
    requires: ['layout:single'],
    async run(context) {
      const bench = await context.openIdle(SINGLE);
      const { platform } = bench.subject;
      const stop = new AbortController();
      const next = platform.events({ signal: stop.signal })[Symbol.asyncIterator]().next();
      await bench.settle();
      const aborted = bench.subject.clock.monotonic();
      stop.abort();
      const ended = next.then(({ done }) => done === true, isPciRecoveryError);
      holds(
        await bench.drive(ended, 'events() ends after an abort.'),
        'events() ends after an abort, without an event.',
      );
      same(bench.subject.clock.monotonic(), aborted, 'events() ends at once, not after some time.');
    },
  },
  {
    id: 'contract.survey-ends-on-abort',
    title: 'survey() with an aborted signal comes back at once',
    level: 0,
    demands: [],
    requires: ['layout:single'],
    async run(context) {
      const bench = await context.openIdle(SINGLE);
      const surveyed = bench.subject.platform.survey({ signal: AbortSignal.abort('no more') });
      const ended = surveyed.then(() => true, isPciRecoveryError);
      holds(
        await bench.drive(ended, 'survey() comes back.'),
        'An aborted survey() rejects only with a PciRecoveryError.',
      );
      same(bench.subject.clock.monotonic(), 0, 'An aborted survey() comes back at once, not after some time.');
    },
  },
  {
    id: 'contract.survey-of-healthy-machine',
    title: 'survey() of a healthy machine finds nothing',
    level: 0,
    demands: [],
    requires: ['layout:single'],
    async run(context) {
      const bench = await context.openIdle(SINGLE);
      const found = bench.subject.platform.survey({ signal: new AbortController().signal });
      same(await bench.drive(found, 'survey() comes back.'), [], 'A healthy machine has no errors.');
    },
  },
  {
    id: 'contract.survey-finds-the-broken',
    title: 'survey() finds what broke while nobody listened, and the engine recovers it',
    level: 0,
    demands: ['R3.7'],
    requires: ['layout:single', 'law:survey'],
    async run(context) {
      for (const incident of context.profile.surveyFinds) {
        const bench = await context.openIdle(SINGLE);
        const { subject } = bench;
        if (subject.injectUnreported) subject.injectUnreported(incident, 'a');
        else subject.inject(incident, 'a');
        await bench.start();
        await bench.ended(1);
        const [outcome] = bench.outcomes;
        same(bench.nameOf(outcome!.event.device.bdf), 'a', `A survey finds a "${incident}" error where it is.`);
        same(outcome!.result, 'recovered', `What a survey found is recovered ("${incident}").`);
        await context.closeAll();
      }
    },
  },
  {
    id: 'contract.scope-is-stable',
    title: 'scopeOf() gives the same scope with the same members in the same order, however often it is asked',
    level: 0,
    demands: [],
    requires: ['layout:two'],
    async run(context) {
      const bench = await context.open({ layout: context.two });
      const { event } = await bench.recover(context.recovering[0]!, 'b');
      const read = (): unknown => {
        const { id, members } = bench.subject.platform.scopeOf(event);
        return { id, members: members.map(({ bdf, generation }) => ({ bdf, generation })) };
      };
      const first = read();
      for (let count = 0; count < 5; count++) same(read(), first, 'A scope is stable while the topology is.');
    },
  },
  {
    id: 'contract.scope-is-the-laws',
    title: 'scopeOf() names whom the law names, neither fewer nor more, in walk order, with bridges marked',
    level: 0,
    demands: ['R2.10', 'R3.3'],
    requires: ['layout:single'],
    async run(context) {
      const { profile, harness } = context;
      for (const layout of Object.keys(profile.layouts).filter((name) => hasLayout(harness, name))) {
        for (const incident of context.recovering) {
          for (const at of detectorsOf(profile.layouts[layout]!, profile.incidents[incident]!)) {
            await scopeIsTheLaws(context, layout, incident, at);
          }
        }
      }
    },
  },
  {
    id: 'contract.lanes-and-order',
    title: 'errors of one lane, and only those, share it; the order of waiting is the law’s',
    level: 0,
    demands: [],
    requires: ['layout:disjoint'],
    async run(context) {
      const { profile, harness } = context;
      for (const layout of Object.keys(profile.layouts).filter((name) => hasLayout(harness, name))) {
        await lanesAreTheLaws(context, layout);
      }
    },
  },
  {
    id: 'contract.unknown-operation',
    title: 'perform() of an operation that the platform does not know does not succeed',
    level: 0,
    demands: [],
    requires: ['layout:single'],
    async run(context) {
      const bench = await context.open(SINGLE);
      const { event } = await bench.recover(context.recovering[0]!, 'a');
      const { platform } = bench.subject;
      const around = { recovery: 1, scope: platform.scopeOf(event), signal: new AbortController().signal };
      const before = bench.subject.witness().length;
      const performed = Promise.resolve()
        .then(() => platform.perform({ name: 'no_such_operation', nature: 'change' }, around))
        .then(
          (result) => result.ok,
          () => false,
        );
      holds(!(await bench.drive(performed, 'perform() comes back.')), 'An unknown operation does not succeed.');
      same(bench.subject.witness().length, before, 'An unknown operation does nothing on the bus.');
    },
  },
  {
    id: 'contract.dispose-twice',
    title: 'a platform can be disposed of twice',
    level: 0,
    demands: [],
    requires: ['layout:single'],
    async run(context) {
      const bench = await context.openIdle(SINGLE);
      const { platform } = bench.subject;
      for (const which of ['first', 'second']) {
        const disposed = Promise.resolve(platform[Symbol.asyncDispose]()).then(
          () => true,
          () => false,
        );
        holds(await bench.drive(disposed, `The ${which} disposal ends.`), `The ${which} disposal succeeds.`);
      }
    },
  },
  {
    id: 'contract.generation-after-replug',
    title: 'a function that replaced another at its address has a generation of its own',
    level: 0,
    demands: [],
    requires: ['layout:single', 'replug'],
    async run(context) {
      const bench = await context.open(SINGLE);
      const before = await bench.recover(context.recovering[0]!, 'a');
      bench.subject.replug!('a');
      await bench.settle();
      const after = await bench.recover(context.recovering[0]!, 'a');
      holds(after.event.device.generation > before.event.device.generation, 'Generations count up at an address.');
      const member = after.scope.members.find(({ bdf }) => bdf === after.event.device.bdf);
      same(member?.generation, after.event.device.generation, 'Event and scope speak of the same generation.');
      same(bench.sorted(after.usable), ['a'], 'The new function is recovered in its own generation.');
    },
  },
];

async function scopeIsTheLaws(context: CaseContext, layout: string, incident: string, at: string): Promise<void> {
  const bench = await context.open({ layout });
  const { event } = await bench.recover(incident, at);
  const law = layoutFor(bench.layout, incident).scopes[at]!.map((name) => ({
    name,
    bridge: bench.layout.functions[name]!.kind === 'bridge',
  }));
  const { members } = bench.subject.platform.scopeOf(event);
  const found = members.map(({ bdf, bridge }) => ({ name: bench.nameOf(bdf), bridge }));
  same(found, law, `Layout "${layout}", a "${incident}" error at "${at}": members of the scope in walk order.`);
  await context.closeAll();
}

async function lanesAreTheLaws(context: CaseContext, layout: string): Promise<void> {
  const { lanes } = context.profile.layouts[layout]!;
  const incident = context.recovering[0]!;
  const seen = new Map<string, string>();
  const bench = await context.open({ layout });
  const { platform } = bench.subject;
  same(platform.procedure.order, context.profile.arrivals.order, 'The order in which errors wait is the law’s.');
  for (const at of detectorsOf(bench.layout, context.profile.incidents[incident]!)) {
    const { event } = await bench.recover(incident, at);
    seen.set(at, platform.procedure.lane(event, platform.scopeOf(event)));
  }
  for (const [one, lane] of seen) {
    for (const [other, otherLane] of seen) {
      const shared = lanes[one] === lanes[other];
      same(lane === otherLane, shared, `Layout "${layout}": "${one}" and "${other}" share a lane: ${shared}.`);
    }
  }
  await context.closeAll();
}

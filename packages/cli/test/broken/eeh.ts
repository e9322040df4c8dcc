import { refOf, type Bdf, type OperationResult } from '@pci-recovery/core';
import { mergeVotes as mergeAerVotes } from '@pci-recovery/aer';
import {
  HOST_OPERATIONS,
  OPAL,
  OPAL_RESET,
  type EehHostPort,
  type EehPlatform,
  type EehScope,
  type Freezes,
  type HostState,
  type OpalFirmware,
} from '@pci-recovery/eeh';
import { eehHarnessWith, eehPseriesHarnessWith } from '../../src/harnesses/eeh.js';
import { Breaking, doesFirst, endsOf, mergedBy, misread, overlay, takenFor, walks, type Broken } from './broken.js';

const eeh = new Breaking<EehHostPort, EehPlatform>(eehHarnessWith);
const pseries = new Breaking<EehHostPort, EehPlatform>(eehPseriesHarnessWith);

const DONE: OperationResult = { ok: true };

/** Firmware of which some calls go another way. */
const withOpal =
  (change: (opal: OpalFirmware) => Partial<OpalFirmware>) =>
  (port: EehHostPort): EehHostPort => {
    const opal = port.firmware as OpalFirmware;
    return overlay(port, { firmware: overlay(opal, change(opal)) });
  };

const HOUR_NS = 3600e9;

/** A PE whose freezes are counted in another way: `count` gets the times of all, nanoseconds, the last one too. */
const counting = (does: string, count: (times: readonly number[]) => number): Broken =>
  eeh.platform(
    does,
    (platform) => {
      const times: number[] = [];
      let now = 0;
      return {
        scopeOf(event) {
          now = Math.max(now, event.monotonic);
          return platform.scopeOf(event);
        },
        perform(operation, context) {
          if (operation.name !== 'count_freeze') return platform.perform(operation, context);
          times.push(now);
          return { ok: true, value: { count: count(times), most: 5 } };
        },
      };
    },
    'failure.repetition-window',
  );

/** How many of the last came within an hour of each other. */
const inARow = (times: readonly number[]): number => {
  const gap = times.findLastIndex((time, index) => index > 0 && time - times[index - 1]! > HOUR_NS);
  return times.length - Math.max(0, gap);
};

/** The true count, and so many more. */
const offBy = (more: number) => () => (honest: () => unknown) => {
  const { value } = honest() as { readonly value?: unknown };
  const { count, most } = value as Freezes;
  return { ok: true, value: { count: count + more, most } } as const;
};

const walkOf = ({ state }: { readonly state: unknown }) => (state as HostState).walk;

/** Laws that EEH does not have, or not so. */
const LAWS: readonly Broken[] = [
  eeh.steps(
    'EEH: merges votes by AER’s law',
    misread('errorDetected', mergedBy(mergeAerVotes, 'can_recover')),
    'votes.pairs-at-detection',
    'votes.order-of-three',
  ),
  eeh.law('EEH: serves the first error first', () => ({ order: 'fifo' }), 'arrivals.order', 'contract.lanes-and-order'),
  eeh.law(
    'EEH: lets a fenced host bridge wait its turn without taking anything along',
    (procedure) => ({
      arrival(...given) {
        const arrival = procedure.arrival(...given);
        return arrival === 'queue_and_purge' ? 'queue' : arrival;
      },
    }),
    'arrivals.law',
    'arrivals.purge',
  ),
  eeh.law(
    'EEH: counts an error of the PE above with the running recovery',
    (procedure) => ({
      arrival: (running, at, event, extent) =>
        extent === 'wider' ? 'fold' : procedure.arrival(running, at, event, extent),
    }),
    'arrivals.law',
  ),
  eeh.law(
    'EEH: has a lane per host bridge',
    () => ({ lane: ({ device }) => device.bdf.slice(0, 4) }),
    'contract.lanes-and-order',
    'concurrency.disjoint-scopes',
  ),
  eeh.law(
    'EEH: lets drivers look at a fenced host bridge',
    (procedure) => ({
      begin: (input) => procedure.begin({ ...input, scope: { ...input.scope, wholePhb: false } as EehScope }),
    }),
    'sequence.look-and-go-on',
  ),
  eeh.steps(
    'EEH: sets up a driver that was plugged in again',
    (step) =>
      walks(step, 'slotReset')
        ? { ...step, to: walkOf(step).map(({ bdf, generation }) => ({ bdf: bdf as Bdf, generation })) }
        : step,
    'votes.missing-callback',
  ),
  eeh.steps(
    'EEH: resets a PE whose driver gives it up before it fails',
    doesFirst('errorDetected', () => HOST_OPERATIONS.reset),
    'sequence.every-first-vote',
  ),
  eeh.steps(
    'EEH: does not hear who objects after looking',
    misread('mmioEnabled', takenFor(['disconnect', 'need_reset'], 'recovered')),
    'sequence.every-vote-after-looking',
    'votes.pairs-after-looking',
  ),
  eeh.steps(
    'EEH: takes silence after the reset for a failure',
    misread('slotReset', takenFor(['none'], 'can_recover')),
    'sequence.every-vote-after-reset',
    'votes.pairs-after-reset',
  ),
];

/** Freezes that are counted wrongly (R4.10). */
const FREEZES: readonly Broken[] = [
  eeh.operation('EEH: counts one freeze too many', 'count_freeze', offBy(1), 'failure.repetition-limit'),
  eeh.operation('EEH: counts one freeze too few', 'count_freeze', offBy(-1), 'failure.repetition-limit'),
  counting(
    'EEH: counts the freezes of the last hour',
    (times) => times.filter((one) => times.at(-1)! - one <= HOUR_NS).length,
  ),
  counting('EEH: begins a new hour with every freeze', inARow),
];

/** What is done wrongly to the machine. */
const OPERATIONS: readonly Broken[] = [
  eeh.platform(
    'EEH: thaws DMA before MMIO',
    (platform) => ({
      perform(operation, context) {
        const swapped = { thaw_mmio: HOST_OPERATIONS.thawDma, thaw_dma: HOST_OPERATIONS.thawMmio };
        const instead = Object.hasOwn(swapped, operation.name)
          ? swapped[operation.name as keyof typeof swapped]
          : operation;
        return platform.perform(instead, context);
      },
    }),
    'sequence.look-and-go-on',
  ),
  eeh.operation(
    'EEH: leaves DMA stopped',
    'thaw_dma',
    () => () => DONE,
    'sequence.look-and-go-on',
    'sequence.works-again',
  ),
  eeh.operation(
    'EEH: does not unplug drivers that cannot take part',
    'unplug',
    () =>
      (honest, { which }) =>
        which === 'insensitive' ? { ok: true, value: { devices: 0, virtual: 0 } } : honest(),
    'votes.missing-callback',
  ),
  eeh.operation(
    'EEH: unplugs every driver',
    'unplug',
    () => (honest, operation) => honest({ ...operation, which: 'everybody' }),
    'sequence.slot-reset-after-need-reset',
  ),
  eeh.operation(
    'EEH: leaves functions in the system that are lost',
    'remove',
    () => () => DONE,
    'sequence.every-first-vote',
    'failure.channels-afterwards',
  ),
  eeh.wired(
    'EEH: resets only a PE where a host bridge is fenced',
    {
      port: withOpal((opal) => ({
        reset: (target, scope, assert) =>
          opal.reset(target, scope === OPAL_RESET.PHB_COMPLETE ? OPAL_RESET.HOT : scope, assert),
      })),
    },
    'sequence.reset-of-the-right-kind',
    'sequence.slot-reset-after-need-reset',
  ),
  eeh.wired(
    'EEH: resets a host bridge where a PE is frozen',
    {
      port: withOpal((opal) => ({
        reset: (target, scope, assert) =>
          opal.reset(target, scope === OPAL_RESET.HOT ? OPAL_RESET.PHB_COMPLETE : scope, assert),
      })),
    },
    'sequence.reset-of-the-right-kind',
  ),
  eeh.wired(
    'EEH: tries a reset twice only',
    {
      port: withOpal((opal) => {
        let failures = 0;
        return {
          reset(...given) {
            const rc = failures < 2 ? opal.reset(...given) : OPAL.HARDWARE;
            failures = rc < 0 && failures < 2 ? failures + 1 : 0;
            return rc;
          },
        };
      }),
    },
    'failure.tries-of-an-act',
  ),
  eeh.wired(
    'EEH: leaves a PE thawed that is passed through and was reset with others',
    { port: withOpal(() => ({ freezeSet: () => OPAL.SUCCESS })) },
    'held.beside-others',
  ),
  pseries.operation(
    'EEH on pSeries: does not let register access through for the log',
    'collect_log',
    () => () => DONE,
    'sequence.every-first-vote',
  ),
];

/** Whom something concerns. */
const SCOPES: readonly Broken[] = [
  eeh.platform(
    'EEH: calls drivers of functions that are passed through',
    (platform) => ({
      scopeOf(event) {
        const scope = platform.scopeOf(event);
        return { ...scope, walk: scope.walk.map((one) => ({ ...one, actionable: true })) } as EehScope;
      },
    }),
    'held.beside-others',
  ),
  eeh.platform(
    'EEH: forgets the PEs below a frozen one',
    (platform) => ({
      scopeOf(event) {
        const { members, walk, ...scope } = platform.scopeOf(event);
        const isHere = ({ bdf }: { readonly bdf: Bdf }): boolean => bdf.slice(0, 7) === members[0]?.bdf.slice(0, 7);
        return { ...scope, members: members.filter(isHere), walk: walk.filter(isHere) } as EehScope;
      },
    }),
    'contract.scope-is-the-laws',
  ),
  eeh.platform(
    'EEH: blames the first function of the scope',
    (platform) => ({
      async *events(options) {
        for await (const event of platform.events(options)) {
          const [first] = platform.scopeOf(event).members;
          yield first ? { ...event, device: refOf(first) } : event;
        }
      },
    }),
    'decode.severity-and-device',
  ),
];

/** EEH backends with one thing wrong. */
export const BROKEN_EEH: readonly Broken[] = [...LAWS, ...FREEZES, ...OPERATIONS, ...SCOPES, ...endsOf('EEH', eeh)];

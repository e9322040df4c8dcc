import {
  ERS_RESULTS,
  OPERATION_FAILURES,
  parseBdf,
  type AnswerForm,
  type Capability,
  type ChannelState,
  type Member,
  type NotifyStep,
  type OperateStep,
  type OperationResult,
  type Plain,
  type RecoveryScope,
  type Telling,
  type Voting,
} from '@pci-recovery/core';
import { type Alphabet } from '@pci-recovery/core/exploration';
import { encodeCcdfError, errorClass, type ZpciEvent } from '../../src/index.js';
import { plainCcdf } from '../../src/record.js';
import { decodeCcdfError } from '../../src/ccdf/index.js';

/** What the one function is like, as far as the kernel's law looks at it. */
export interface Shape {
  readonly driver: boolean;
  readonly channel: ChannelState;
  readonly handles: readonly (Voting | Telling)[];
}

const subsets = <T>(of: readonly T[]): T[][] =>
  of.reduce<T[][]>((sets, item) => [...sets, ...sets.map((set) => [...set, item])], [[]]);

export const CALLBACKS = ['errorDetected', 'mmioEnabled', 'slotReset', 'resume'] as const;
const CHANNELS: readonly ChannelState[] = ['normal', 'frozen', 'perm_failure'];

/** Every shape: without driver or with any subset of callbacks, in any channel state. */
export const EVERY_SHAPE: readonly Shape[] = CHANNELS.flatMap((channel) => [
  { driver: false, channel, handles: [] },
  ...subsets(CALLBACKS).map((handles) => ({ driver: true, channel, handles })),
]);

/** A function with a whole driver. */
export const WHOLE: Shape = { driver: true, channel: 'normal', handles: CALLBACKS };

/** One shape of each kind that the law tells apart. */
export const TELLING_SHAPES: readonly Shape[] = [
  WHOLE,
  { driver: true, channel: 'normal', handles: ['errorDetected'] },
  { driver: true, channel: 'normal', handles: [] },
  { driver: true, channel: 'perm_failure', handles: CALLBACKS },
];

export const DEVICE = parseBdf('0001:00:00.0');

/** A scope with one function; without any for `undefined`. */
export const scopeOf = (
  shape: Shape | undefined,
  capabilities: Readonly<Record<string, Capability>> = {},
): RecoveryScope => ({
  id: 'fid 0x1',
  members: shape
    ? [
        {
          bdf: DEVICE,
          generation: 0,
          bridge: false,
          channel: shape.channel,
          driver: shape.driver,
          handles: new Set(shape.handles),
        },
      ]
    : [],
  capabilities,
});

/** An error with an event code. */
export function eventOf(pec: number): ZpciEvent {
  const raw = encodeCcdfError({ fh: 0x8002_0000, fid: 1, faddr: 0x1_2000_0000n, pec });
  const ccdf = plainCcdf(decodeCcdfError(raw));
  return {
    platform: 'zpci',
    sequence: 0,
    monotonic: 0,
    wall: 0,
    severity: 'fatal',
    device: { bdf: DEVICE, generation: 0 },
    record: { origin: 'event', class: errorClass(pec), fid: 1, fh: 0x8002_0000, ccdf },
    raw,
  };
}

const VOTES: readonly AnswerForm[] = ERS_RESULTS.map((vote) => ({ gave: 'vote', vote }));
const FAULTS: readonly AnswerForm[] = [
  { gave: 'fault', why: 'threw' },
  { gave: 'fault', why: 'overran' },
  { gave: 'fault', why: 'nonsense' },
];

/** Every reason of a failure, or one that stands for all: the law does not tell them apart. */
export type Failures = 'all' | 'one';

/** What an engine can answer for a function: what its shape allows, any failure of its callback, and that it left. */
function answersOf(step: NotifyStep, member: Member, failures: Failures): readonly AnswerForm[] {
  const lost: readonly AnswerForm[] = [
    { gave: 'nothing', why: 'gone' },
    { gave: 'nothing', why: 'no_driver' },
  ];
  if (!member.driver) return lost;
  if (!member.handles.has(step.callback)) return [{ gave: 'nothing', why: 'no_callback' }, ...lost];
  const { faulted } = step.state as { readonly faulted: readonly string[] };
  if (faulted.includes(member.bdf)) return [{ gave: 'nothing', why: 'faulted' }];
  const good: readonly AnswerForm[] = step.callback === 'resume' ? [{ gave: 'told' }] : VOTES;
  return [...good, ...(failures === 'all' ? FAULTS : FAULTS.slice(0, 1)), ...lost];
}

const FAILURES: readonly OperationResult[] = OPERATION_FAILURES.map((why) => ({ ok: false, why }));

/** Every answer of the function, and every result of every operation. `values`: what operations answer, by name. */
export const everything = (
  scope: RecoveryScope,
  values: Readonly<Record<string, readonly Plain[]>>,
  failures: Failures = 'all',
): Alphabet => ({
  answers: (step) => answersOf(step, scope.members[0]!, failures),
  results: (step: OperateStep) => [
    ...(values[step.operation.name] ?? ['']).map((value): OperationResult => ({ ok: true, value })),
    ...(failures === 'all' ? FAILURES : FAILURES.slice(0, 1)),
  ],
});

/** What the operations of the host's procedure can answer. */
export const HOST_VALUES = {
  refresh_handle: ['current', 'stale', 'over', 'unknown', null],
  store_record: ['stored', 'full', 'not_mediated', null],
} as const;

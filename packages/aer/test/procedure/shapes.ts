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
  type RecoveryScope,
  type Telling,
  type Voting,
} from '@pci-recovery/core';
import { type Alphabet } from '@pci-recovery/core/exploration';
import { type AerEvent } from '../../src/record.js';

/** What one function is like, as far as the kernel's law looks at it. */
export interface Shape {
  readonly bridge: boolean;
  readonly driver: boolean;
  readonly channel: ChannelState;
  readonly handles: readonly (Voting | Telling)[];
}

const subsets = <T>(of: readonly T[]): T[][] =>
  of.reduce<T[][]>((sets, item) => [...sets, ...sets.map((set) => [...set, item])], [[]]);

const CALLBACKS = ['errorDetected', 'mmioEnabled', 'slotReset', 'resume'] as const;
const CHANNELS: readonly ChannelState[] = ['normal', 'frozen', 'perm_failure'];

/** Every shape: bridge or not, without driver or with any subset of callbacks, in any channel state. */
export const EVERY_SHAPE: readonly Shape[] = [true, false].flatMap((bridge) =>
  CHANNELS.flatMap((channel) => [
    { bridge, driver: false, channel, handles: [] },
    ...subsets(CALLBACKS).map((handles) => ({ bridge, driver: true, channel, handles })),
  ]),
);

/** Every shape that can vote differently from the others: who has `resume` only matters at the very end. */
export const VOTING_SHAPES: readonly Shape[] = EVERY_SHAPE.filter(
  (shape) => shape.channel !== 'frozen' && (!shape.driver || shape.handles.includes('resume')),
).filter(
  (shape) => shape.channel === 'normal' || shape.handles.length === 0 || shape.handles.length === CALLBACKS.length,
);

/** One shape of each kind that the law tells apart. */
export const TELLING_SHAPES: readonly Shape[] = [
  { bridge: false, driver: true, channel: 'normal', handles: CALLBACKS },
  { bridge: false, driver: true, channel: 'normal', handles: ['errorDetected'] },
  { bridge: false, driver: false, channel: 'normal', handles: [] },
  { bridge: true, driver: false, channel: 'normal', handles: [] },
  { bridge: true, driver: true, channel: 'normal', handles: ['errorDetected', 'mmioEnabled', 'slotReset'] },
  { bridge: false, driver: true, channel: 'perm_failure', handles: CALLBACKS },
];

/** All lists of `length` shapes. */
export const combinations = (shapes: readonly Shape[], length: number): Shape[][] =>
  length === 0 ? [[]] : combinations(shapes, length - 1).flatMap((list) => shapes.map((shape) => [...list, shape]));

export const scopeOf = (
  shapes: readonly Shape[],
  capabilities: Readonly<Record<string, Capability>>,
): RecoveryScope => ({
  id: 'below 0000:00:01.0',
  members: shapes.map((shape, index): Member => ({
    bdf: parseBdf(`0000:01:00.${index}`),
    generation: 0,
    bridge: shape.bridge,
    channel: shape.channel,
    driver: shape.driver,
    handles: new Set(shape.handles),
  })),
  capabilities,
});

export const eventOf = (severity: 'nonfatal' | 'fatal', origin: 'message' | 'dpc' = 'message'): AerEvent => ({
  platform: 'aer',
  sequence: 0,
  monotonic: 0,
  wall: 0,
  severity,
  device: { bdf: parseBdf('0000:01:00.0'), generation: 0 },
  record: { origin, severity, multiple: false, sourceId: 0x0100, status: 1, mask: 0, advisory: 0, accessible: true },
});

const VOTES: readonly AnswerForm[] = ERS_RESULTS.map((vote) => ({ gave: 'vote', vote }));
const FAULTS: readonly AnswerForm[] = [
  { gave: 'fault', why: 'threw' },
  { gave: 'fault', why: 'overran' },
  { gave: 'fault', why: 'nonsense' },
];

/** What an engine can answer for a function: what its shape allows, and any failure of its callback. */
export function answersOf(step: NotifyStep, member: Member): readonly AnswerForm[] {
  if (step.withheld?.some((one) => one.bdf === member.bdf)) return [{ gave: 'nothing', why: 'withheld' }];
  if (!member.driver) return [{ gave: 'nothing', why: 'no_driver' }];
  if (!member.handles.has(step.callback)) return [{ gave: 'nothing', why: 'no_callback' }];
  const { faulted } = step.state as { readonly faulted: readonly string[] };
  if (faulted.includes(member.bdf)) return [{ gave: 'nothing', why: 'faulted' }];
  const good: readonly AnswerForm[] = step.callback === 'resume' ? [{ gave: 'told' }] : VOTES;
  return [...good, ...FAULTS, { gave: 'nothing', why: 'gone' }];
}

const FAILURES: readonly OperationResult[] = OPERATION_FAILURES.map((why) => ({ ok: false, why }));

/** Every answer of every member, and every result of every operation. `values`: what operations answer, by name. */
export const everything = (scope: RecoveryScope, values: Readonly<Record<string, readonly string[]>>): Alphabet => ({
  answers: (step, device) =>
    answersOf(
      step,
      scope.members.find((member) => member.bdf === device.bdf)!,
    ),
  results: (step: OperateStep) => [
    ...(values[step.operation.name] ?? ['']).map((value): OperationResult => ({ ok: true, value })),
    ...FAILURES,
  ],
});

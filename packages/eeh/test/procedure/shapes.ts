import {
  ERS_RESULTS,
  OPERATION_FAILURES,
  parseBdf,
  type AnswerForm,
  type DeviceRef,
  type Member,
  type NotifyStep,
  type OperateStep,
  type OperationResult,
  type Plain,
  type Telling,
  type Voting,
} from '@pci-recovery/core';
import { type Alphabet } from '@pci-recovery/core/exploration';
import { peName, type EehErrorKind, type EehEvent } from '../../src/record.js';
import { type EehFunction, type EehScope } from '../../src/scope.js';
import { type Walked } from '../../src/procedure/walk.js';

/** What one function is like, as far as the kernel's law looks at it. */
export interface Shape {
  readonly bridge: boolean;
  readonly driver: boolean;
  readonly handles: readonly (Voting | Telling)[];
  /** Default: a device, the host's to recover. */
  readonly state?: 'passed' | 'absent';
  readonly virtual?: boolean;
}

const subsets = <T>(of: readonly T[]): T[][] =>
  of.reduce<T[][]>((sets, item) => [...sets, ...sets.map((set) => [...set, item])], [[]]);

const CALLBACKS = ['errorDetected', 'mmioEnabled', 'slotReset', 'resume'] as const;

/** Every shape: bridge or not, without driver or with any subset of callbacks; passed through; without device. */
export const EVERY_SHAPE: readonly Shape[] = [
  ...[true, false].flatMap((bridge) => [
    { bridge, driver: false, handles: [] },
    ...subsets(CALLBACKS).map((handles) => ({ bridge, driver: true, handles })),
  ]),
  { bridge: false, driver: true, handles: CALLBACKS, state: 'passed' as const },
  { bridge: false, driver: true, handles: CALLBACKS, state: 'absent' as const },
  { bridge: false, driver: true, handles: CALLBACKS, virtual: true },
  { bridge: false, driver: false, handles: [], virtual: true },
];

/** One shape of each kind that the law tells apart. */
export const TELLING_SHAPES: readonly Shape[] = [
  { bridge: false, driver: true, handles: CALLBACKS },
  { bridge: false, driver: true, handles: ['errorDetected', 'resume'] },
  { bridge: false, driver: false, handles: [] },
  { bridge: true, driver: true, handles: ['errorDetected', 'mmioEnabled', 'slotReset'] },
  { bridge: false, driver: true, handles: CALLBACKS, state: 'passed' },
  { bridge: false, driver: true, handles: CALLBACKS, state: 'absent' },
  { bridge: false, driver: false, handles: [], virtual: true },
];

/** A bridge stays through a reset although nobody told it of the error: it must not hear of the reset either. */
export const UNTOLD: Shape = { bridge: true, driver: true, handles: ['mmioEnabled', 'slotReset', 'resume'] };

/** All lists of `length` shapes. */
export const combinations = (shapes: readonly Shape[], length: number): Shape[][] =>
  length === 0 ? [[]] : combinations(shapes, length - 1).flatMap((list) => shapes.map((shape) => [...list, shape]));

const bdfOf = (index: number) => parseBdf(`0000:01:00.${index}`);

/**
 * `generations`: of functions that were replugged. `out`: functions that are unplugged now. `detached`: those that have left
 * their PE too, because nobody came back.
 */
export function scopeOf(
  shapes: readonly Shape[],
  wholePhb = false,
  {
    generations = {},
    out = [],
    detached = [],
  }: {
    generations?: Readonly<Record<string, number>>;
    out?: readonly string[];
    detached?: readonly string[];
  } = {},
): EehScope {
  const refs = shapes.map((_, index): DeviceRef => ({ bdf: bdfOf(index), generation: generations[bdfOf(index)] ?? 0 }));
  const there = (index: number): boolean =>
    shapes[index]!.state !== 'absent' && ![...out, ...detached].includes(bdfOf(index));
  return {
    id: wholePhb ? peName(0, null) : peName(0, 1),
    wholePhb,
    walk: refs.flatMap((ref, index): EehFunction[] =>
      detached.includes(ref.bdf)
        ? []
        : [{ ...ref, device: there(index), actionable: there(index) && shapes[index]!.state !== 'passed' }],
    ),
    members: refs.flatMap((ref, index): Member[] => {
      const { bridge, driver, handles } = shapes[index]!;
      return there(index) ? [{ ...ref, bridge, driver, channel: 'frozen', handles: new Set(handles) }] : [];
    }),
    capabilities: {},
  };
}

export const eventOf = (kind: EehErrorKind): EehEvent => ({
  platform: 'eeh',
  sequence: 0,
  monotonic: 0,
  wall: 0,
  severity: kind === 'informative' ? 'informative' : 'fatal',
  device: { bdf: bdfOf(0), generation: 0 },
  record: { kind, origin: 'read', phb: 0, pe: 1, name: peName(0, 1), state: 0, ignoredReads: 0 },
});

const VOTES: readonly AnswerForm[] = ERS_RESULTS.map((vote) => ({ gave: 'vote', vote }));
/** `lean`: one of each sort that no law tells apart (a callback's faults, most failures of an operation). */
const FAULTS = { full: ['threw', 'overran', 'nonsense'], lean: ['threw'] } as const;
const FAILURES = { full: OPERATION_FAILURES, lean: ['failed', 'timeout'] } as const;
export type Extent = keyof typeof FAULTS;

const indexOf = ({ bdf }: DeviceRef): number => Number(bdf.at(-1));

/** What an engine can answer for a function: what its shape allows, and any failure of its callback. */
export function answersOf(
  shapes: readonly Shape[],
  step: NotifyStep,
  device: DeviceRef,
  extent: Extent,
): readonly AnswerForm[] {
  const { walk, faulted } = step.state as { readonly walk: readonly Walked[]; readonly faulted: readonly string[] };
  if (!walk.find((one) => one.bdf === device.bdf)!.device) return [{ gave: 'nothing', why: 'gone' }];
  if (faulted.includes(device.bdf)) return [{ gave: 'nothing', why: 'faulted' }];
  const shape = shapes[indexOf(device)]!;
  if (!shape.driver) return [{ gave: 'nothing', why: 'no_driver' }];
  if (!shape.handles.includes(step.callback)) return [{ gave: 'nothing', why: 'no_callback' }];
  const faults = FAULTS[extent].map((why): AnswerForm => ({ gave: 'fault', why }));
  return [...(step.callback === 'resume' ? [{ gave: 'told' } as const] : VOTES), ...faults];
}

/** Whom the kernel unplugs before a reset (eeh_rmv_device, pci_hp_remove_devices). */
function unplugged(shapes: readonly Shape[], which: Plain | undefined): readonly number[] {
  const passed = shapes.some(({ state }) => state === 'passed');
  return shapes.flatMap((shape, index) => {
    if (shape.state !== undefined) return [];
    if (which === 'everybody') return shape.bridge && passed ? [] : [index];
    const sensitive = shape.handles.includes('errorDetected') && shape.handles.includes('slotReset');
    return shape.bridge || sensitive ? [] : [index];
  });
}

const ok = (value: Plain, scope?: EehScope): OperationResult => ({ ok: true, value, ...(scope && { scope }) });

/** What an operation answers when it works. */
function successes(shapes: readonly Shape[], wholePhb: boolean, step: OperateStep): readonly OperationResult[] {
  const { operation, state } = step;
  const walk = (state as { readonly walk: readonly Walked[] }).walk;
  const generations = Object.fromEntries(walk.map(({ bdf, generation }) => [bdf, generation]));
  const out = shapes
    .map((_, index) => bdfOf(index))
    .filter((bdf) => walk.every((one) => one.bdf !== bdf || !one.device));
  switch (operation.name) {
    case 'check_presence':
      return [ok({ bus: true, devices: 1 }), ok({ bus: true, devices: 0 }), ok({ bus: false, devices: 0 })];
    case 'count_freeze':
      return [ok({ count: 5, most: 5 }), ok({ count: 6, most: 5 })];
    case 'unplug': {
      const gone = unplugged(shapes, operation['which']);
      const virtual = gone.filter((index) => shapes[index]!.virtual).length;
      const next = scopeOf(shapes, wholePhb, { generations, out: gone.map(bdfOf) });
      return [ok({ devices: gone.length, virtual: operation['which'] === 'everybody' ? 0 : virtual }, next)];
    }
    case 'replug':
    case 'replug_virtual': {
      const absent = new Set(shapes.flatMap(({ state }, index) => (state === 'absent' ? [bdfOf(index)] : [])));
      const replugged = Object.fromEntries(out.map((bdf) => [bdf, (generations[bdf] ?? 0) + 1]));
      // Everybody comes back, or a slot stays empty.
      return [
        ok(null, scopeOf(shapes, wholePhb, { generations: { ...generations, ...replugged } })),
        ok(null, scopeOf(shapes, wholePhb, { generations, detached: out.filter((bdf) => !absent.has(bdf)) })),
      ];
    }
    default:
      return [ok(null)];
  }
}

/** Every answer of every function, and every result of every operation. */
export const everything = (shapes: readonly Shape[], wholePhb = false, extent: Extent = 'full'): Alphabet => ({
  answers: (step, device) => answersOf(shapes, step, device, extent),
  results: (step) => [
    ...successes(shapes, wholePhb, step),
    ...FAILURES[extent].map((why): OperationResult => ({ ok: false, why })),
  ],
});

/** The same for the owner's procedure, which knows members only. */
export const ownerAlphabet = (shapes: readonly Shape[]): Alphabet => ({
  answers(step, device) {
    const { faulted } = step.state as { readonly faulted: readonly string[] };
    const walk = [{ bdf: device.bdf, device: true }];
    return answersOf(shapes, { ...step, state: { walk, faulted } }, device, 'full');
  },
  results: () => [{ ok: true, value: 2 }, ...OPERATION_FAILURES.map((why): OperationResult => ({ ok: false, why }))],
});

import { type EndStep, type NotifyStep, type OperateStep, type Plain } from '@pci-recovery/core';
import { type Input, type Monitor } from '@pci-recovery/core/exploration';
import { type EehScope } from '../../src/scope.js';
import { type Shape } from './shapes.js';

/** What a path has seen so far. */
export interface Memory {
  readonly [key: string]: Plain;
  /** Callbacks and operations that matter later, once each, in the order of their first time. */
  readonly past: readonly string[];
  /** `bdf#generation` of those whose error_detected was called. */
  readonly told: readonly string[];
  readonly faulted: readonly string[];
  /** `bdf#generation` of functions that came back after the reset. */
  readonly readded: readonly string[];
  /** `bdf#generation` of functions that are in a PE, and of those the ones that have a device. */
  readonly walked: readonly string[];
  readonly present: readonly string[];
  /** Something that must succeed did not. */
  readonly broken: boolean;
}

export const violated = (rule: string, detail: unknown): never => {
  throw new Error(`${rule}: ${JSON.stringify(detail)}`);
};

const add = (list: readonly string[], ...more: readonly string[]): readonly string[] =>
  more.every((one) => list.includes(one)) ? list : [...new Set([...list, ...more])].sort();

const ordered = (list: readonly string[], one: string): readonly string[] =>
  list.includes(one) ? list : [...list, one];

const nameOf = ({ bdf, generation }: { readonly bdf: string; readonly generation: number }): string =>
  `${bdf}#${generation}`;

/** What must succeed for a recovery to succeed. */
const MUST = ['wait_state', 'thaw_mmio', 'thaw_dma', 'unplug', 'reset', 'unfreeze', 'settle'];

/** The invariants of eeh_handle_normal_event, at every state of every path. */
export const lawOf = (shapes: readonly Shape[]): Monitor<Memory> => ({
  initial: {
    past: [],
    told: [],
    faulted: [],
    readded: [],
    walked: shapes.map((_, index) => `0000:01:00.${index}#0`),
    present: shapes.flatMap(({ state }, index) => (state === 'absent' ? [] : [`0000:01:00.${index}#0`])),
    broken: false,
  },
  after: (memory, step, input) =>
    step.do === 'notify' ? afterNotify(shapes, memory, step, input) : afterOperation(memory, step, input),
  end: (memory, step) => atTheEnd(shapes, memory, step),
});

const shapeOf = (shapes: readonly Shape[], name: string): Shape => shapes[Number(name.split('#')[0]!.at(-1))]!;

/**
 * Who is reached by a callback, by the walk of eeh_pe_report and the gates of the eeh_report_ functions: everybody in the PE whom
 * the host may call and who was there when it began. slot_reset and resume only who was told. Those without device are met where
 * votes are collected.
 */
function reachedBy(shapes: readonly Shape[], memory: Memory, { callback, channel }: NotifyStep): string[] {
  const { walked, present, readded, told } = memory;
  const gated = callback === 'slotReset' || callback === 'resume';
  const votes = callback !== 'resume' && channel !== 'perm_failure';
  return walked.filter((name) => {
    if (!present.includes(name)) return votes;
    if (shapeOf(shapes, name).state === 'passed' || readded.includes(name)) return false;
    return !gated || told.includes(name);
  });
}

function afterNotify(shapes: readonly Shape[], memory: Memory, step: NotifyStep, input: Input): Memory {
  const { past, told } = memory;
  const name = step.channel === 'perm_failure' ? 'perm_failure' : step.callback;
  if (past.includes('perm_failure')) violated('nothing is told after perm_failure', step.at);
  if (past.includes('resume')) violated('nothing is told after resume', step.at);
  checkOrder(memory, step);
  const reached = reachedBy(shapes, memory, step);
  if (JSON.stringify(step.to.map(nameOf)) !== JSON.stringify(reached)) {
    violated(`${step.at} reaches exactly whom the kernel calls, in walk order`, { to: step.to.map(nameOf), reached });
  }
  if (input.kind !== 'answers') return memory;
  const called = input.answers.filter(({ gave }) => gave === 'vote' || gave === 'fault');
  const faulted = input.answers.filter(({ gave }) => gave === 'fault').map(({ bdf }) => bdf);
  return {
    ...memory,
    past: ordered(past, name),
    told: name === 'errorDetected' ? add(told, ...called.map(nameOf)) : told,
    faulted: add(memory.faulted, ...faulted),
  };
}

function checkOrder({ past }: Memory, step: NotifyStep): void {
  if (step.callback === 'mmioEnabled' && !past.includes('thaw_mmio')) violated('looked at only when thawed', past);
  if (step.callback === 'mmioEnabled' && past.includes('thaw_dma')) violated('looked at before DMA', past);
  if (step.callback === 'mmioEnabled' && past.includes('reset')) violated('never looked at after a reset', past);
  if (step.callback === 'slotReset' && !past.includes('unfreeze')) violated('set up only after reset and thaw', past);
  if (step.channel === 'perm_failure' && !past.includes('log_permanent')) {
    violated('perm_failure is told after the permanent log', past);
  }
  const stoppable = step.stopped !== undefined;
  if (stoppable && (step.callback === 'resume' || step.channel === 'perm_failure')) violated('not stoppable', step.at);
}

/** Operation → what must have been before it, and the rule. */
const AFTER: Readonly<Record<string, readonly [before: string, rule: string]>> = {
  remove: ['perm_failure', 'nobody is removed untold'],
  thaw_dma: ['thaw_mmio', 'DMA is never unblocked before MMIO (R4.5)'],
  reset: ['errorDetected', 'nobody is reset before being told'],
  replug: ['settle', '5 s before anything is plugged in'],
  log_temporary: ['errorDetected', 'no log before the drivers know'],
};

function afterOperation(memory: Memory, step: OperateStep, input: Input): Memory {
  const { severity, name: operation } = step.operation;
  const name = operation === 'collect_log' ? `log_${severity as string}` : operation;
  const { past } = memory;
  const [before, rule] = AFTER[name] ?? [];
  if (before !== undefined && !past.includes(before)) violated(rule!, past);
  if (past.includes('perm_failure') && name !== 'remove') violated('after perm_failure only removal', name);
  if (name === 'reset' && past.includes('reset')) violated('one reset per error (R3.5)', past);
  if (input.kind !== 'result') return memory;
  // Whether a log could be taken changes nothing.
  if (!input.result.ok && !name.startsWith('log_')) return MUST.includes(name) ? { ...memory, broken: true } : memory;
  const readded = add(memory.readded, ...readdedBy(memory, input));
  return { ...memory, past: ordered(past, name), readded, ...membersOf(memory, input) };
}

function readdedBy({ walked, present }: Memory, input: Input): string[] {
  if (input.kind !== 'result' || !input.result.ok || !input.result.scope) return [];
  const known = new Set([...walked, ...present]);
  return input.result.scope.members.map(nameOf).filter((one) => !known.has(one));
}

function membersOf({ walked, present }: Memory, input: Input): Pick<Memory, 'walked' | 'present'> {
  if (input.kind !== 'result' || !input.result.ok || !input.result.scope) return { walked, present };
  const { walk, members } = input.result.scope as EehScope;
  return { walked: walk.map(nameOf), present: members.map(nameOf) };
}

function atTheEnd(shapes: readonly Shape[], memory: Memory, { result, usable }: EndStep): void {
  const { past, faulted, present } = memory;
  if (result === 'recovered') {
    recoveredRightly(memory);
    const sound = present.filter(
      (name) => shapeOf(shapes, name).state !== 'passed' && !faulted.includes(name.split('#')[0]!),
    );
    if (JSON.stringify(usable.map(nameOf)) !== JSON.stringify(sound)) {
      violated('usable is exactly who is there, is the host’s and did not fail', { usable, sound });
    }
  }
  if (result === 'disconnected' && usable.length > 0) violated('nothing of a failed scope is usable', usable);
  const toldOfIt = past.includes('perm_failure') || past.includes('resume');
  if (result === 'disconnected' && past.includes('count_freeze') && !toldOfIt) violated('a failure is told', past);
  if (result === 'ignored' && past.length > 0) violated('ignored only before anything happened', past);
  for (const { bdf } of usable) if (faulted.includes(bdf)) violated('a failed callback is not handed back', bdf);
}

function recoveredRightly({ past, broken }: Memory): void {
  if (broken) violated('what must succeed did, where it is recovered', past);
  if (!past.includes('resume')) violated('recovered only after resume', past);
  if (past.includes('perm_failure')) violated('perm_failure is final', past);
}

import { type EndStep, type NotifyStep, type OperateStep, type Plain } from '@pci-recovery/core';
import { type Input, type Monitor } from '@pci-recovery/core/exploration';
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
  /** Something that must succeed did not. */
  readonly broken: boolean;
}

export const INITIAL: Memory = { past: [], told: [], faulted: [], readded: [], broken: false };

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
  initial: INITIAL,
  after: (memory, step, input) =>
    step.do === 'notify' ? afterNotify(shapes, memory, step, input) : afterOperation(memory, step, input),
  end: atTheEnd,
});

function afterNotify(shapes: readonly Shape[], memory: Memory, step: NotifyStep, input: Input): Memory {
  const { past, told, readded } = memory;
  const name = step.channel === 'perm_failure' ? 'perm_failure' : step.callback;
  if (past.includes('perm_failure')) violated('nothing is told after perm_failure', step.at);
  if (past.includes('resume')) violated('nothing is told after resume', step.at);
  checkOrder(memory, step);
  for (const device of step.to) {
    const absent = shapes[Number(device.bdf.at(-1))]!.state === 'absent';
    if (shapes[Number(device.bdf.at(-1))]!.state === 'passed') violated('who is passed through is not called', step.at);
    if (readded.includes(nameOf(device))) violated('re-added drivers hear nothing', { at: step.at, device });
    const gated = step.callback === 'slotReset' || step.callback === 'resume';
    const here = (step.state as { walk: readonly { bdf: string; device: boolean }[] }).walk.some(
      (one) => one.bdf === device.bdf && one.device,
    );
    if (gated && here && !told.includes(nameOf(device)))
      violated('only who was told hears more', { at: step.at, device });
    if (absent && step.callback === 'resume') violated('without a device nobody is resumed', step.at);
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
  return { ...memory, past: ordered(past, name), readded: add(memory.readded, ...readdedBy(step, input)) };
}

function readdedBy({ state }: OperateStep, input: Input): string[] {
  if (input.kind !== 'result' || !input.result.ok || !input.result.scope) return [];
  const before = (state as { walk: readonly { bdf: string; generation: number }[] }).walk.map(nameOf);
  return input.result.scope.members.map(nameOf).filter((one) => !before.includes(one));
}

function atTheEnd(memory: Memory, { result, usable }: EndStep): void {
  const { past, faulted } = memory;
  if (result === 'recovered') recoveredRightly(memory);
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

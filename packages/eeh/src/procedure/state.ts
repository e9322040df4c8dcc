import {
  type Answer,
  type ErsResult,
  type Operation,
  type OperationResult,
  type OperateStep,
  type RecoveryScope,
} from '@pci-recovery/core';
import { isWholePhb } from '../scope.js';
import { foldAnswer } from '../votes.js';
import { faultedBy, firstWalk, nextWalk, type Walked } from './walk.js';

/** What the future of a recovery depends on: plain data. */
export interface HostState {
  readonly [key: string]: string | boolean | readonly string[] | readonly Walked[];
  /** The merged vote. */
  readonly status: ErsResult;
  readonly walk: readonly Walked[];
  /** Functions whose callback failed: they are not handed back. */
  readonly faulted: readonly string[];
  /** The PE is a host bridge's own. */
  readonly wholePhb: boolean;
  /** What was unplugged for the reset: nobody, those whose driver cannot take part, or everybody. */
  readonly hotplug: 'none' | 'partial' | 'complete';
  /** Virtual functions were taken out and are to be brought back. */
  readonly virtual: boolean;
}

/** At the start nobody has voted, and nothing was unplugged. */
export const firstState = (scope: RecoveryScope): HostState => ({
  status: 'none',
  walk: firstWalk(scope),
  faulted: [],
  wholePhb: isWholePhb(scope),
  hotplug: 'none',
  virtual: false,
});

type Changeable = Pick<HostState, 'status' | 'walk' | 'faulted' | 'hotplug' | 'virtual'>;

/** A state with something of it changed. By name, for an object that begins with a spread has a hidden class of its own each time. */
export const changed = (state: HostState, to: Partial<Changeable>): HostState => ({
  status: to.status ?? state.status,
  walk: to.walk ?? state.walk,
  faulted: to.faulted ?? state.faulted,
  wholePhb: state.wholePhb,
  hotplug: to.hotplug ?? state.hotplug,
  virtual: to.virtual ?? state.virtual,
});

/** After an operation that may have plugged or unplugged functions. */
export const rescoped = (state: HostState, result: OperationResult): HostState =>
  result.ok && result.scope ? changed(state, { walk: nextWalk(state.walk, result.scope) }) : state;

/** After answers: their votes merged into the one so far, and who failed noted. */
export const fold = (state: HostState, answers: readonly Answer[], walk = state.walk): HostState =>
  changed(state, {
    walk,
    status: answers.reduce(foldAnswer, state.status),
    faulted: faultedBy(state.faulted, answers),
  });

/** An operation that cannot be stopped, after which it goes on however it ended. */
export const lastly = (
  at: string,
  state: HostState,
  operation: Operation,
  then: (state: HostState) => ReturnType<OperateStep['then']>,
): OperateStep => ({ do: 'operate', at, state, operation, then: (result) => then(rescoped(state, result)) });

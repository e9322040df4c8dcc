import { type DeviceRef, type Member } from '../contract/device.js';
import { type PciErrorHandlers } from '../contract/handlers.js';
import { type AnswerForm, type NotifyStep } from '../contract/step.js';
import { hasCallback } from './attachments.js';

/** Why a function answers nothing. */
export type Silence = Extract<AnswerForm, { gave: 'nothing' }>['why'];

/** What is known of a function whose turn it is. */
export interface Turn {
  /** Undefined: it is no longer in the scope. */
  readonly member: Member | undefined;
  readonly handlers: PciErrorHandlers | undefined;
  /** A callback of it has failed before. */
  readonly faulted: boolean;
  /** The step was cut short before its turn: it is left alone until the failure path. */
  readonly cut: boolean;
}

/** Why nobody is called, if so. */
export function silence(step: NotifyStep, device: DeviceRef, turn: Turn): Silence | undefined {
  const { member, handlers, faulted, cut } = turn;
  if (!member) return 'gone';
  if (step.withheld?.some((one) => one.bdf === device.bdf)) return 'withheld';
  if (faulted) return 'faulted';
  if (!handlers) return member.driver && member.handles.size === 0 ? 'no_callback' : 'no_driver';
  if (!hasCallback(handlers, step.callback)) return 'no_callback';
  return cut ? 'withheld' : undefined;
}

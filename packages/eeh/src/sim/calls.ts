import { type FirmwareCall } from './faults.js';
import { type Machine } from './machine.js';

/** What a call is about. */
export interface CallSubject {
  readonly call: FirmwareCall;
  readonly phb: number;
  readonly pe?: number;
  readonly action?: number;
}

/** What a script makes of a call. */
type Scripted =
  | { readonly what: 'fails'; readonly rc: number }
  | { readonly what: 'ignored' }
  | { readonly what: 'answers'; readonly answer: Readonly<Record<string, number | boolean>> };

function scripted({ faults }: Machine, { call, phb, pe, action }: CallSubject): Scripted | undefined {
  const fits = (fault: Partial<CallSubject>): boolean =>
    fault.call === call &&
    (fault.phb ?? phb) === phb &&
    (fault.pe === undefined || fault.pe === pe) &&
    (fault.action === undefined || fault.action === action);
  const fails = faults.strike('call_fails', fits);
  if (fails) return { what: 'fails', rc: fails.rc };
  if (faults.strike('call_ignored', fits)) return { what: 'ignored' };
  const answers = faults.strike('call_answers', fits);
  return answers && { what: 'answers', answer: answers.answer };
}

const noted = (machine: Machine, { call, pe, action }: CallSubject, rc: number): void => {
  if (!machine.witness.calls) return;
  const about = { ...(pe !== undefined && { pe }), ...(action !== undefined && { action }) };
  machine.witness.add({ kind: 'call', call, rc, ...about, functions: [] });
};

/** Nobody wants anything of it but its answer. */
export const isPlain = ({ faults, witness }: Machine): boolean => faults.none && !witness.calls;

/** A call that returns a code. */
export function call(machine: Machine, subject: CallSubject, act: () => number): number {
  if (isPlain(machine)) return act();
  const script = scripted(machine, subject);
  const rc = script?.what === 'fails' ? script.rc : script?.what === 'ignored' ? 0 : act();
  noted(machine, subject, rc);
  return rc;
}

/**
 * A call that returns values with its code. `failed`: what it returns with a code that a script gives, or with success when
 * it does nothing.
 */
export function ask<T extends object>(
  machine: Machine,
  subject: CallSubject,
  failed: (rc: number) => T,
  answer: () => T,
): T {
  if (isPlain(machine)) return answer();
  const script = scripted(machine, subject);
  const result = script?.what === 'fails' ? failed(script.rc) : script?.what === 'ignored' ? failed(0) : answer();
  const scriptedAnswer = script?.what === 'answers' ? { ...result, ...script.answer } : result;
  noted(machine, subject, 'rc' in scriptedAnswer ? (scriptedAnswer.rc as number) : 0);
  return scriptedAnswer;
}

import { type RecoveryScope } from '../contract/device.js';
import { type ErrorEvent } from '../contract/event.js';
import { type RecoveryOutcome } from '../contract/outcome.js';
import { type RecoveryPlatform } from '../contract/platform.js';
import { type RecoveryResult } from '../contract/step.js';
import { type RecoveryRun } from './recovery-run.js';
import { type Rostered } from './roster.js';
import { type Waiting } from './scheduler.js';

/** One error on its way through an engine. */
export interface Submission extends Rostered<Submission> {
  readonly platform: RecoveryPlatform;
  readonly event: ErrorEvent;
  verdict: 'recover' | 'give_up';
  /** Why the verdict is what it is. */
  why: string;
  /** Set when it begins to wait. */
  waiting: Waiting | undefined;
  /** Takes with it what is queued inside its scope. */
  purges: boolean;
  /** Set when it runs. */
  run: RecoveryRun | undefined;
  resolve: (outcome: RecoveryOutcome) => void;
}

/** The outcome of an error for which no recovery was run. */
export function unrecovered(
  { platform, event }: Pick<Submission, 'platform' | 'event'>,
  time: number,
  result: RecoveryResult,
  why: string,
  scope: RecoveryScope = { id: 'unknown', members: [], capabilities: {} },
): RecoveryOutcome {
  const usable = result === 'disconnected' ? [] : scope.members.map(({ bdf, generation }) => ({ bdf, generation }));
  return {
    recovery: 0,
    platform: platform.name,
    event,
    scope,
    result,
    why,
    usable,
    startedAt: time,
    endedAt: time,
    trace: [],
  };
}

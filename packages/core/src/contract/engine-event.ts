import { type Bdf } from '../bdf.js';
import { type Plain } from '../plain.js';
import { type ErrorEvent } from './event.js';
import { type RecoveryOutcome } from './outcome.js';
import { type Arrival } from './procedure.js';
import { type TraceEntry } from './trace.js';

/** What an engine reports to its observers. */
export type EngineEvent =
  | { readonly type: 'attached' | 'detached'; readonly bdf: Bdf }
  /** An error was taken in. */
  | { readonly type: 'received'; readonly event: ErrorEvent }
  /** Policy wants no recovery for it. */
  | { readonly type: 'recorded' | 'ignored'; readonly event: ErrorEvent; readonly why: string }
  /** It met the running recovery `recovery`. */
  | { readonly type: 'arrived'; readonly event: ErrorEvent; readonly recovery: number; readonly arrival: Arrival }
  /** It was waiting, and went with an error of wider scope. */
  | { readonly type: 'purged'; readonly event: ErrorEvent; readonly by: ErrorEvent }
  /** Its lane's queue was full: it was counted, and nothing is done for it. */
  | { readonly type: 'overflowed'; readonly event: ErrorEvent; readonly lane: string }
  | { readonly type: 'trace'; readonly recovery: number; readonly event: ErrorEvent; readonly entry: TraceEntry }
  /** Before anything that waited for it begins. */
  | { readonly type: 'ended'; readonly outcome: RecoveryOutcome }
  /**
   * Something that must not fail did: an observer or a platform's hook threw, or what it returned was a promise that was
   * rejected; a platform's event source ended with an error.
   */
  | { readonly type: 'trouble'; readonly where: string; readonly error: unknown; readonly context?: Plain };

import { type Bdf } from '../bdf.js';
import { type Awaitable } from '../plain.js';
import { type ErrorEvent } from './event.js';
import { type PciErrorHandlers } from './handlers.js';
import { type RecoveryScope } from './device.js';
import { type RecoveryOutcome } from './outcome.js';
import { type EngineEvent } from './engine-event.js';

/** Options of {@link RecoveryEngine.submit} and {@link RecoveryEngine.exclusive}. */
export interface RequestOptions {
  /** Gives this recovery up (or stops waiting for the scope). */
  readonly signal?: AbortSignal;
}

/** Runs recoveries: the only place that executes a procedure's steps, one recovery per overlapping scope at a time. */
export interface RecoveryEngine extends AsyncDisposable {
  /**
   * Brings the callbacks for the function at an address. Disposing takes them away again, also in the middle of a
   * recovery: later callbacks then find no driver.
   * @throws PciRecoveryError `ERR_PCI_ALREADY_ATTACHED`, `ERR_PCI_ENGINE_CLOSED`
   */
  attach(bdf: Bdf, handlers: PciErrorHandlers): Disposable;
  /**
   * Takes in one error. The promise is fulfilled with its outcome; it rejects only for misuse.
   * @throws PciRecoveryError `ERR_PCI_UNKNOWN_PLATFORM`, `ERR_PCI_ENGINE_CLOSED`
   */
  submit(event: ErrorEvent, options?: RequestOptions): Promise<RecoveryOutcome>;
  /**
   * Runs `work` while no recovery touches `scope`: for a reset that no error asked for.
   * @throws PciRecoveryError `ERR_PCI_REENTRANT_RESET` from inside a callback of a recovery,
   * or other exclusive work, that holds a function of that scope,
   * `ERR_PCI_ENGINE_CLOSED`, `ERR_PCI_ABORTED`
   */
  exclusive<T>(scope: RecoveryScope, work: () => Awaitable<T>, options?: RequestOptions): Promise<T>;
  /**
   * Everything that happens, as it happens. Nobody waits for a listener; one that throws, or whose promise is rejected, is
   * reported to the others and disturbs nobody.
   */
  observe(listener: (event: EngineEvent) => void): Disposable;
  /**
   * Surveys every platform, then takes in its events until the engine is closed. Resolves after the surveys; what fails
   * in one of them is reported as trouble. Further calls do nothing more.
   * @throws PciRecoveryError `ERR_PCI_ENGINE_CLOSED`
   */
  start(): Promise<void>;
  /** Takes in nothing more; resolves when every recovery, running or waiting, has come to its own end. Idempotent. */
  close(): Promise<void>;
  /** Gives up every recovery, running or waiting, by its platform's failure path; then as {@link close}. */
  abort(reason: string): Promise<void>;
}

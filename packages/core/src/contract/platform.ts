import { type Awaitable } from '../plain.js';
import { type Capability, type ChannelState, type DeviceRef, type RecoveryScope } from './device.js';
import { type ErrorEvent } from './event.js';
import { type PciErrorHandlers, type Telling, type Voting } from './handlers.js';
import { type RecoveryProcedure } from './procedure.js';
import { type Answer, type Operation, type OperationResult } from './step.js';

/** Lets a platform see an abort. */
export interface Stoppable {
  readonly signal: AbortSignal;
}

/** What an operation is part of. `signal` aborts only in a `wait` whose step can be stopped: everything else runs on. */
export interface PerformContext extends Stoppable {
  readonly recovery: number;
  readonly scope: RecoveryScope;
}

/**
 * Turns hardware into events and performs operations. Everything that knows the machine is behind this interface;
 * everything that decides is in its {@link RecoveryProcedure}.
 */
export interface RecoveryPlatform extends AsyncDisposable {
  /** Unique among the platforms of one engine. */
  readonly name: string;
  readonly procedure: RecoveryProcedure;
  /** What this platform can do on this machine; scopes tell what holds for them. */
  readonly capabilities: Readonly<Record<string, Capability>>;
  /** Errors as they come, until `signal` aborts. One consumer. */
  events(options: Stoppable): AsyncIterable<ErrorEvent>;
  /** What is already broken: at the start, after a crash, and where nothing signals. */
  survey(options: Stoppable): Promise<readonly ErrorEvent[]>;
  /** Whom an error concerns. Cheap: proportional to its answer. */
  scopeOf(event: ErrorEvent): RecoveryScope;
  /** Does one operation. A rejection counts as `failed`. */
  perform(operation: Operation, context: PerformContext): Awaitable<OperationResult>;
  /** Callbacks of functions that the platform itself drives (switch ports). Attached handlers come first. */
  handlersOf?(device: DeviceRef): PciErrorHandlers | undefined;
  /** The moment just before a walked function's own callback: channel states are set here. */
  beforeCallback?(device: DeviceRef, callback: Voting | Telling, channel: ChannelState): void;
  /** The moment just after it, called or not: uevents are sent here. */
  afterCallback?(answer: Answer, callback: Voting | Telling, channel: ChannelState): void;
  /**
   * An error that starts no recovery (a correctable one) is acknowledged at the hardware. The platform calls `tell`,
   * which runs `corErrorDetected`, at its own moment.
   */
  acknowledge?(event: ErrorEvent, tell: () => Awaitable<void>): Awaitable<void>;
}

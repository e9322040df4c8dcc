import { type DeviceRef, type RecoveryScope } from '../contract/device.js';
import { type ErrorEvent } from '../contract/event.js';
import { type Callback } from '../contract/handlers.js';
import { type Judgement, type RecoveryPolicy } from '../contract/policy.js';
import { Serd, type SerdLimit } from './serd.js';

/** Milliseconds that a callback may take where nothing else is said. */
export const DEFAULT_DEADLINE_MS = 30_000;

/** What can be set differently from the kernel. */
export interface KernelPolicyOptions {
  /** Gives a function up that has too many uncorrectable errors. Default: none, as in the kernel. */
  readonly perDevice?: SerdLimit;
  /** Gives a whole scope up that fails too often. Default: none here; EEH's own limit is part of its procedure. */
  readonly perScope?: SerdLimit;
  /** Milliseconds that a callback may take. Default: 30 000. `Infinity`: as long as it likes, as in the kernel. */
  readonly deadlineMs?: number;
  /** Deadlines of single functions or callbacks; undefined: `deadlineMs`. */
  readonly deadlineOf?: (device: DeviceRef, callback: Callback) => number | undefined;
}

const RECOVER: Judgement = { verdict: 'recover', why: 'An uncorrectable error is recovered.' };
const RECORD: Judgement = { verdict: 'record', why: 'It needs no recovery: it is counted and recorded (R1.2).' };

/** Does as the kernel does: uncorrectable errors are recovered, everything else is recorded. Limits can be added. */
export class KernelPolicy implements RecoveryPolicy {
  readonly #options: KernelPolicyOptions;
  readonly #perDevice: Serd | undefined;
  readonly #perScope: Serd | undefined;

  constructor(options: KernelPolicyOptions = {}) {
    this.#options = options;
    this.#perDevice = options.perDevice && new Serd(options.perDevice);
    this.#perScope = options.perScope && new Serd(options.perScope);
  }

  judge(event: ErrorEvent, scope: () => RecoveryScope): Judgement {
    if (event.severity === 'informative' || event.severity === 'correctable') return RECORD;
    const { bdf } = event.device;
    // Both count every error, also when the first has already reached its limit.
    const deviceWorn = this.#perDevice?.count(bdf, event.monotonic) ?? false;
    const scopeWorn = this.#perScope?.count(scope().id, event.monotonic) ?? false;
    if (deviceWorn) return { verdict: 'give_up', why: `${bdf} had too many errors.` };
    if (scopeWorn) return { verdict: 'give_up', why: `Scope ${scope().id} had too many errors.` };
    return RECOVER;
  }

  deadline(device: DeviceRef, callback: Callback): number {
    return this.#options.deadlineOf?.(device, callback) ?? this.#options.deadlineMs ?? DEFAULT_DEADLINE_MS;
  }
}

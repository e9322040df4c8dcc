import { type Clock } from '../contract/clock.js';
import { type RecoveryEngine } from '../contract/engine.js';
import { type EngineEvent } from '../contract/engine-event.js';
import { type RecoveryPlatform } from '../contract/platform.js';
import { type RecoveryPolicy } from '../contract/policy.js';
import { KernelPolicy } from '../policy/kernel-policy.js';
import { systemClock } from '../time/system-clock.js';
import { type EngineSettings } from './engine-settings.js';
import { DefaultRecoveryEngine } from './recovery-engine.js';

/** What an engine is made of. */
export interface EngineOptions extends EngineSettings {
  readonly platforms: readonly RecoveryPlatform[];
  /** Default: {@link KernelPolicy}, which does as the kernel does. */
  readonly policy?: RecoveryPolicy;
  /** Default: the machine's own time. */
  readonly clock?: Clock;
  /** Listeners from the start. */
  readonly observers?: readonly ((event: EngineEvent) => void)[];
}

/**
 * Builds an engine by hand, without a container.
 * @throws PciRecoveryError `ERR_PCI_DUPLICATE_PLATFORM` when two platforms have one name, `ERR_PCI_BAD_SETTING`.
 */
export const createEngine = ({ platforms, policy, clock, observers, ...settings }: EngineOptions): RecoveryEngine =>
  new DefaultRecoveryEngine(platforms, policy ?? new KernelPolicy(), clock ?? systemClock, observers ?? [], settings);

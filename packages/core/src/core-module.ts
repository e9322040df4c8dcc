import { ContainerModule } from 'inversify';
import { DefaultRecoveryEngine } from './engine/recovery-engine.js';
import { type EngineSettings } from './engine/engine-settings.js';
import { KernelPolicy, type KernelPolicyOptions } from './policy/kernel-policy.js';
import { systemClock } from './time/system-clock.js';
import { type Clock } from './contract/clock.js';
import { TOKENS } from './tokens.js';

/** Options of {@link coreModule}. */
export interface CoreModuleOptions extends EngineSettings {
  /** Default: the machine's own time. */
  readonly clock?: Clock;
  readonly policy?: KernelPolicyOptions;
}

/**
 * Binds engine, policy and clock, each once. The engine takes every {@link TOKENS.platform} and {@link TOKENS.observer}
 * that is bound when it is first asked for; load the backends' modules before that. Asynchronous disposal is up to the
 * application: `await container.get(TOKENS.engine).close()`.
 */
export const coreModule = (options: CoreModuleOptions = {}): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(TOKENS.clock).toConstantValue(options.clock ?? systemClock);
    bind(TOKENS.policy).toConstantValue(new KernelPolicy(options.policy));
    bind(TOKENS.settings).toConstantValue(options);
    bind(TOKENS.engine).to(DefaultRecoveryEngine).inSingletonScope();
  });

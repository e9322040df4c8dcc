import { TOKENS, type Clock } from '@pci-recovery/core';
import { ContainerModule } from 'inversify';
import { AerPlatform, type AerPlatformOptions } from './platform/aer-platform.js';
import { type AerHostPort } from './port.js';
import { AER_TOKENS } from './tokens.js';

/** Options of {@link aerModule}. */
export interface AerModuleOptions extends AerPlatformOptions {
  /** The machine: simulated hardware, or an adapter. */
  readonly port: AerHostPort;
}

/**
 * Adds the AER backend to a container, as one more platform. Loaded several times, with a name each, for several
 * machines: then {@link AerPlatform} and `AER_TOKENS` are ambiguous, and `TOKENS.platform` holds them all.
 */
export const aerModule = ({ port, ...options }: AerModuleOptions): ContainerModule =>
  new ContainerModule(({ bind }) => {
    const own = Symbol(options.name ?? 'aer');
    bind(own)
      .toResolvedValue((clock: Clock) => new AerPlatform(port, clock, options), [TOKENS.clock])
      .inSingletonScope();
    bind(AerPlatform).toService(own);
    bind(TOKENS.platform).toService(own);
    bind(AER_TOKENS.port).toConstantValue(port);
    bind(AER_TOKENS.options).toConstantValue(options);
  });

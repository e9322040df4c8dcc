import { TOKENS } from '@pci-recovery/core';
import { ContainerModule } from 'inversify';
import { AerPlatform, type AerPlatformOptions } from './platform/aer-platform.js';
import { type AerHostPort } from './port.js';
import { AER_TOKENS } from './tokens.js';

/** Options of {@link aerModule}. */
export interface AerModuleOptions extends AerPlatformOptions {
  /** The machine: simulated hardware, or an adapter. */
  readonly port: AerHostPort;
}

/** Adds the AER backend to a container, as one more platform. */
export const aerModule = ({ port, ...options }: AerModuleOptions): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(AER_TOKENS.port).toConstantValue(port);
    bind(AER_TOKENS.options).toConstantValue(options);
    bind(AerPlatform).toSelf().inSingletonScope();
    bind(TOKENS.platform).toService(AerPlatform);
  });

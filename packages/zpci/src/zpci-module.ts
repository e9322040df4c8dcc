import { TOKENS, type RecoveryEngine } from '@pci-recovery/core';
import { ContainerModule } from 'inversify';
import { ZpciPlatform, type ZpciPlatformOptions } from './platform/zpci-platform.js';
import { type ZpciHostPort } from './port.js';
import { ZPCI_TOKENS } from './tokens.js';

/** Options of {@link zpciModule}. */
export interface ZpciModuleOptions extends ZpciPlatformOptions {
  /** The machine: simulated hardware, or an adapter. */
  readonly port: ZpciHostPort;
}

/**
 * Adds the zPCI backend to a container, as one more platform. Availability events wait for the recoveries of the
 * container's engine, unless `exclusively` says otherwise.
 */
export const zpciModule = ({ port, ...options }: ZpciModuleOptions): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(ZPCI_TOKENS.port).toConstantValue(port);
    bind(ZPCI_TOKENS.options).toDynamicValue((context): ZpciPlatformOptions => ({
      exclusively: (scope, work) => context.get<RecoveryEngine>(TOKENS.engine).exclusive(scope, work),
      ...options,
    }));
    bind(ZpciPlatform).toSelf().inSingletonScope();
    bind(TOKENS.platform).toService(ZpciPlatform);
  });

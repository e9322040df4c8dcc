import { TOKENS } from '@pci-recovery/core';
import { ContainerModule } from 'inversify';
import { type EehPlatformOptions } from './platform/eeh-options.js';
import { EehPlatform } from './platform/eeh-platform.js';
import { type EehHostPort } from './port.js';
import { EEH_TOKENS } from './tokens.js';

/** Options of {@link eehModule}. */
export interface EehModuleOptions extends EehPlatformOptions {
  /** The machine: simulated hardware, or an adapter. */
  readonly port: EehHostPort;
}

/** Adds the EEH backend to a container, as one more platform. */
export const eehModule = ({ port, ...options }: EehModuleOptions): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(EEH_TOKENS.port).toConstantValue(port);
    bind(EEH_TOKENS.options).toConstantValue(options);
    bind(EehPlatform).toSelf().inSingletonScope();
    bind(TOKENS.platform).toService(EehPlatform);
  });

import { TOKENS, type Clock } from '@pci-recovery/core';
import { ContainerModule } from 'inversify';
import { type AerLinuxPorts } from './kernel-watch.js';
import { AerObserverPlatform, type AerObserverOptions } from './observer-platform.js';
import { AerOwnerPlatform, type AerOwnerOptions } from './owner-platform.js';

/** Options of {@link aerOwnerModule}. */
export interface AerOwnerModuleOptions extends AerOwnerOptions {
  /** The host. */
  readonly ports: AerLinuxPorts;
}

/** Options of {@link aerObserverModule}. */
export interface AerObserverModuleOptions extends AerObserverOptions {
  /** The host. */
  readonly ports: AerLinuxPorts;
}

/** Adds {@link AerOwnerPlatform} to a container, as one more platform: devices are given to it with `hold`. */
export const aerOwnerModule = ({ ports, ...options }: AerOwnerModuleOptions): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(AerOwnerPlatform)
      .toResolvedValue((clock: Clock) => new AerOwnerPlatform(ports, clock, options), [TOKENS.clock])
      .inSingletonScope();
    bind(TOKENS.platform).toService(AerOwnerPlatform);
  });

/** Adds {@link AerObserverPlatform} to a container, as one more platform. */
export const aerObserverModule = ({ ports, ...options }: AerObserverModuleOptions): ContainerModule =>
  new ContainerModule(({ bind }) => {
    bind(AerObserverPlatform)
      .toResolvedValue((clock: Clock) => new AerObserverPlatform(ports, clock, options), [TOKENS.clock])
      .inSingletonScope();
    bind(TOKENS.platform).toService(AerObserverPlatform);
  });

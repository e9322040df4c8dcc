import { type Clock } from './contract/clock.js';
import { type RecoveryEngine } from './contract/engine.js';
import { type EngineEvent } from './contract/engine-event.js';
import { type RecoveryPlatform } from './contract/platform.js';
import { type RecoveryPolicy } from './contract/policy.js';
import { type EngineSettings } from './engine/engine-settings.js';

/** A service identifier that knows its type; the same in every installed copy of this package. */
export type Token<T> = symbol & { readonly __type?: T };

const token = <T>(name: string): Token<T> => Symbol.for(`pci-recovery:${name}`);

/** What containers bind and inject. Platforms are bound many times, each carries its name, and all are injected. */
export const TOKENS = {
  engine: token<RecoveryEngine>('engine'),
  platform: token<RecoveryPlatform>('platform'),
  policy: token<RecoveryPolicy>('policy'),
  clock: token<Clock>('clock'),
  observer: token<(event: EngineEvent) => void>('observer'),
  settings: token<EngineSettings>('settings'),
} as const;

import { type Token } from '@pci-recovery/core';
import { type EehPlatformOptions } from './platform/eeh-options.js';
import { type EehHostPort } from './port.js';

/** What a container needs for this backend. */
export const EEH_TOKENS = {
  port: Symbol.for('pci-recovery:eeh:port') as Token<EehHostPort>,
  options: Symbol.for('pci-recovery:eeh:options') as Token<EehPlatformOptions>,
} as const;

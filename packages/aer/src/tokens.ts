import { type Token } from '@pci-recovery/core';
import { type AerHostPort } from './port.js';
import { type AerPlatformOptions } from './platform/aer-platform.js';

/** What a container needs for this backend. */
export const AER_TOKENS = {
  port: Symbol.for('pci-recovery:aer:port') as Token<AerHostPort>,
  options: Symbol.for('pci-recovery:aer:options') as Token<AerPlatformOptions>,
} as const;

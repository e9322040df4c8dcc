import { type Token } from '@pci-recovery/core';
import { type ZpciHostPort } from './port.js';
import { type ZpciPlatformOptions } from './platform/zpci-platform.js';

/** What a container needs for this backend. */
export const ZPCI_TOKENS = {
  port: Symbol.for('pci-recovery:zpci:port') as Token<ZpciHostPort>,
  options: Symbol.for('pci-recovery:zpci:options') as Token<ZpciPlatformOptions>,
} as const;

import { type RecoveryPlatform } from '@pci-recovery/core';

/** What somebody puts between the parts of a subject. Default: nothing. */
export interface Wiring<Port, Platform extends RecoveryPlatform> {
  /** What the platform gets for its port. */
  readonly port?: (hardware: Port) => Port;
  /** What the engine gets for its platform. */
  readonly platform?: (platform: Platform) => RecoveryPlatform;
}

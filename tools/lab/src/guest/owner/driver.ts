import { type ChannelState, type ErsResult, type PciErrorHandlers } from '@pci-recovery/core';
import { type VirtioRng } from '../virtio/virtio-rng.js';
import { type Temper } from './owner-input.js';

const REQUEST_MS = 5000;

/** A request that the device completes with an interrupt. Rejects when it does not. */
export const proof = (rng: VirtioRng): Promise<Uint8Array> => rng.request(AbortSignal.timeout(REQUEST_MS));

/** The error callbacks of a user-space driver: it believes only what its device does. */
export function driverOf(
  rng: VirtioRng,
  temper: Temper,
  tell: (callback: string, more?: object) => void,
): PciErrorHandlers {
  const { bdf } = rng.device;
  const told = async (callback: string, more: object = {}): Promise<void> => {
    tell(callback, { bdf, ...more });
    if (temper.hangs === callback) await new Promise(() => undefined);
  };
  return {
    async errorDetected(_, channel: ChannelState): Promise<ErsResult> {
      await told('errorDetected', { channel });
      if (channel === 'perm_failure') return 'disconnect';
      return channel === 'frozen' ? 'need_reset' : (temper.nonfatal ?? 'can_recover');
    },
    async mmioEnabled(): Promise<ErsResult> {
      await told('mmioEnabled');
      return proof(rng).then(
        () => 'recovered',
        () => 'need_reset',
      );
    },
    async slotReset(): Promise<ErsResult> {
      await told('slotReset');
      try {
        await rng.start();
        await proof(rng);
        return 'recovered';
      } catch {
        return 'disconnect';
      }
    },
    resume: () => told('resume'),
    corErrorDetected: () => told('corErrorDetected'),
  };
}

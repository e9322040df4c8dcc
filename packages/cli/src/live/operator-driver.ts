import { type ChannelState, type ErsResult, type PciErrorHandlers } from '@pci-recovery/core';
import { type VfioDevicePort } from '@pci-recovery/core/linux';

/** Command and Status of a function that does not answer. */
const ALL_ONES = 0xff;

async function answers(device: VfioDevicePort): Promise<boolean> {
  try {
    return (await device.readConfig(4, 4)).some((byte) => byte !== ALL_ONES);
  } catch {
    return false;
  }
}

/**
 * Callbacks for a device that nobody drives: whoever repairs it by hand wants it to answer with its configuration restored, and
 * knows nothing of what it does.
 */
export function operatorDriver(device: VfioDevicePort): PciErrorHandlers {
  const looked = async (): Promise<ErsResult> => ((await answers(device)) ? 'recovered' : 'disconnect');
  return {
    errorDetected: (_, channel: ChannelState): ErsResult => {
      if (channel === 'perm_failure') return 'disconnect';
      return channel === 'frozen' ? 'need_reset' : 'can_recover';
    },
    mmioEnabled: async (): Promise<ErsResult> => ((await answers(device)) ? 'recovered' : 'need_reset'),
    slotReset: looked,
    resume: () => undefined,
  };
}

import {
  wait,
  type Bdf,
  type Clock,
  type ChannelState,
  type ErsResult,
  type PciErrorHandlers,
} from '@pci-recovery/core';
import { restoreConfig, saveConfig } from '@pci-recovery/aer';
import { type SimulatedHardware } from '@pci-recovery/aer/sim';

/** How a simulated driver differs from a good one. */
export interface DriverTemper {
  /** What it votes when it is told; default: `need_reset` on a frozen channel, else `can_recover`. */
  readonly votes?: (channel: ChannelState, clock: Clock) => ErsResult | Promise<ErsResult>;
}

const NEVER = new Promise<ErsResult>(() => undefined);

/** A driver that takes 5 ms to answer. */
export const SLOW: DriverTemper = {
  async votes(_, clock): Promise<ErsResult> {
    await wait(clock, 5);
    return 'can_recover';
  },
};

/** A driver that never answers. */
export const HANGING: DriverTemper = { votes: () => NEVER };

/** A driver that breaks down as soon as it hears of an error. */
export const THROWING: DriverTemper = {
  votes() {
    throw new Error('The driver has a bug.');
  },
};

/** A driver of a simulated function: it saves its configuration while all is well and restores it after a reset. */
export function simulatedDriver(
  hardware: SimulatedHardware,
  bdf: Bdf,
  clock: Clock,
  temper: DriverTemper = {},
): PciErrorHandlers {
  const saved = saveConfig(hardware, bdf);
  const votes =
    temper.votes ?? ((channel: ChannelState): ErsResult => (channel === 'frozen' ? 'need_reset' : 'can_recover'));
  return {
    errorDetected: (_, channel) => (channel === 'perm_failure' ? 'disconnect' : votes(channel, clock)),
    mmioEnabled: () => (hardware.answers(bdf) ? 'recovered' : 'need_reset'),
    slotReset() {
      if (!saved || !hardware.answers(bdf)) return 'disconnect';
      restoreConfig(hardware, saved);
      return 'recovered';
    },
    resume: () => undefined,
  };
}

import { parseBdf, type ChannelState, type Clock, type ErsResult, type PciErrorHandlers } from '@pci-recovery/core';
import { enableBusMaster, restoreZpciConfig, saveZpciConfig, type FunctionConfig } from '@pci-recovery/zpci';
import { simulateZpci, type SimulatedZpci } from '@pci-recovery/zpci/sim';
import { type DriverTemper } from './driver.js';

/** Functions by their ids: a drive, and a network card with two functions on one bus. */
export const FID = { drive: 0x11, network0: 0x21, network1: 0x22 } as const;

/** Where they are. */
export const AT = {
  [FID.drive]: parseBdf('0001:00:00.0'),
  [FID.network0]: parseBdf('0002:00:00.0'),
  [FID.network1]: parseBdf('0002:00:00.1'),
} as const;

/** Bus master and memory decoding, as drivers leave the Command register. */
const WORKING = 0x0006;

/** `undriven`: functions that no driver is bound to. */
export function zpciMachine(clock: Clock, undriven: ReadonlySet<number>): SimulatedZpci {
  const bound = (fid: number, driver: string): { readonly driver?: string } => (undriven.has(fid) ? {} : { driver });
  const hardware = simulateZpci({
    clock,
    functions: [
      { fid: FID.drive, bdf: AT[FID.drive], ...bound(FID.drive, 'nvme') },
      { fid: FID.network0, bdf: AT[FID.network0], ...bound(FID.network0, 'mlx5_core') },
      { fid: FID.network1, bdf: AT[FID.network1], ...bound(FID.network1, 'mlx5_core') },
    ],
  });
  for (const bdf of Object.values(AT)) hardware.writeConfig(bdf, 0x04, 2, WORKING);
  return hardware;
}

/** A driver of a simulated function: it saves its configuration while all is well and restores it after a reset. */
export function zpciDriver(
  hardware: SimulatedZpci,
  fid: keyof typeof AT,
  clock: Clock,
  temper: DriverTemper = {},
): PciErrorHandlers {
  const bdf = AT[fid];
  const config: FunctionConfig = {
    readConfig: (offset, width) => hardware.readConfig(bdf, offset, width),
    writeConfig: (offset, width, value) => hardware.writeConfig(bdf, offset, width, value),
  };
  const saved = saveZpciConfig(config);
  const votes = temper.votes ?? ((): ErsResult => 'need_reset');
  return {
    errorDetected: (_, channel: ChannelState) => (channel === 'perm_failure' ? 'disconnect' : votes(channel, clock)),
    mmioEnabled: () => (saveZpciConfig(config) ? 'recovered' : 'need_reset'),
    slotReset: () =>
      saved && restoreZpciConfig(config, saved) && enableBusMaster(config) ? 'recovered' : 'disconnect',
    resume: () => undefined,
  };
}

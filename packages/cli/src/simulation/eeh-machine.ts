import {
  parseBdf,
  type Bdf,
  type ChannelState,
  type Clock,
  type ErsResult,
  type PciErrorHandlers,
} from '@pci-recovery/core';
import { simulateEeh, type SimulatedEehHardware } from '@pci-recovery/eeh/sim';
import { type DriverTemper } from './driver.js';

/** Where things are in the machine that EEH faults are shown on. */
export const AT = {
  nvme: '0000:01:00.0',
  network0: '0001:01:00.0',
  network1: '0001:01:00.1',
  behindSwitch: '0002:03:00.0',
  besideSwitch: '0002:04:00.0',
} as const;

/** The upstream port of the switch: its PE has those of the cards below it. */
export const SWITCH = '0002:01:00.0';

/** Domains of the host bridges. */
export const PHB = { nvme: 0, network: 1, behindSwitch: 2 } as const;

/** `undriven`: functions that no driver is bound to. Three host bridges: an NVMe drive, a network card, a switch. */
export function eehMachine(clock: Clock, undriven: ReadonlySet<string>): SimulatedEehHardware {
  const card = (bdf: string, driver: string) => ({
    kind: 'endpoint' as const,
    bdf,
    ...(undriven.has(bdf) ? {} : { driver }),
  });
  const root = { kind: 'root_port', bdf: '00:00.0', driver: 'pcieport' } as const;
  const port = { kind: 'downstream_port', driver: 'pcieport' } as const;
  return simulateEeh({
    clock,
    hostBridges: [
      { phb: PHB.nvme, below: [{ ...root, below: [{ ...card(AT.nvme, 'nvme'), hotplugSlot: true }] }] },
      { phb: PHB.network, below: [{ ...root, below: [card(AT.network0, 'tg3'), card(AT.network1, 'tg3')] }] },
      {
        phb: PHB.behindSwitch,
        below: [
          {
            ...root,
            below: [
              {
                kind: 'upstream_port',
                bdf: '01:00.0',
                driver: 'pcieport',
                below: [
                  { ...port, bdf: '02:00.0', below: [card(AT.behindSwitch, 'nvme')] },
                  { ...port, bdf: '02:01.0', below: [card(AT.besideSwitch, 'nvme')] },
                ],
              },
            ],
          },
        ],
      },
    ],
  });
}

/** The functions that have a driver of the simulation's own; ports have the platform's. */
export const DRIVEN: readonly Bdf[] = Object.values(AT).map(parseBdf);

/** A driver of a simulated function. Registers are restored by EEH itself: after a reset it only looks who answers. */
export function eehDriver(
  hardware: SimulatedEehHardware,
  bdf: Bdf,
  clock: Clock,
  temper: DriverTemper = {},
): PciErrorHandlers {
  const votes = temper.votes ?? ((): ErsResult => 'need_reset');
  const looked = (): ErsResult => (hardware.answers(bdf) ? 'recovered' : 'disconnect');
  return {
    errorDetected: (_, channel: ChannelState) => (channel === 'perm_failure' ? 'disconnect' : votes(channel, clock)),
    mmioEnabled: () => (hardware.readMemory(bdf, 0) === 0xffff_ffff ? 'need_reset' : 'recovered'),
    slotReset: looked,
    resume: () => undefined,
  };
}

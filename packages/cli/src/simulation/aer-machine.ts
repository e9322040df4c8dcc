import { parseBdf, type Clock } from '@pci-recovery/core';
import { simulate, type SimulatedHardware } from '@pci-recovery/aer/sim';

/** Where things are in the machine that AER faults are shown on. */
export const AT = {
  nvme: '0000:01:00.0',
  nvmePort: '0000:00:06.0',
  network0: '0000:02:00.0',
  network1: '0000:02:00.1',
  behindSwitch: '0000:05:00.0',
  besideSwitch: '0000:06:00.0',
  dsa: '0000:00:1a.1',
} as const;

/** `undriven`: functions that no driver is bound to. A root port with an NVMe drive, one with a network card of two functions, one with a switch, an event collector. */
export const aerMachine = (clock: Clock, undriven: ReadonlySet<string>): SimulatedHardware => {
  const bound = (bdf: string, driver: string): { readonly bdf: string; readonly driver?: string } =>
    undriven.has(bdf) ? { bdf } : { bdf, driver };
  return simulate({
    clock,
    rootPorts: [
      {
        kind: 'root_port',
        bdf: AT.nvmePort,
        below: [{ kind: 'endpoint', ...bound(AT.nvme, 'nvme'), readyAfterMs: 20, onFatal: 'frozen' }],
      },
      {
        kind: 'root_port',
        bdf: '0000:00:07.0',
        below: [
          { kind: 'endpoint', ...bound(AT.network0, 'ixgbe') },
          { kind: 'endpoint', ...bound(AT.network1, 'ixgbe') },
        ],
      },
      {
        kind: 'root_port',
        bdf: '0000:00:08.0',
        below: [
          {
            kind: 'upstream_port',
            bdf: '0000:03:00.0',
            driver: 'pcieport',
            below: [
              {
                kind: 'downstream_port',
                bdf: '0000:04:00.0',
                driver: 'pcieport',
                below: [{ kind: 'endpoint', ...bound(AT.behindSwitch, 'nvme') }],
              },
              {
                kind: 'downstream_port',
                bdf: '0000:04:01.0',
                driver: 'pcieport',
                below: [{ kind: 'endpoint', ...bound(AT.besideSwitch, 'nvme') }],
              },
            ],
          },
        ],
      },
    ],
    eventCollectors: [
      {
        kind: 'rcec',
        bdf: '0000:00:1a.0',
        driver: 'pcieport',
        collects: [{ kind: 'rciep', ...bound(AT.dsa, 'idxd') }],
      },
    ],
  });
};

/** The functions that have a driver of the simulation's own; ports have the platform's. */
export const DRIVEN = [AT.nvme, AT.network0, AT.network1, AT.behindSwitch, AT.besideSwitch, AT.dsa].map(parseBdf);

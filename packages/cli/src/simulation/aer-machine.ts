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

/** A root port with an NVMe drive, one with a network card of two functions, one with a switch, an event collector. */
export const aerMachine = (clock: Clock): SimulatedHardware =>
  simulate({
    clock,
    rootPorts: [
      {
        kind: 'root_port',
        bdf: AT.nvmePort,
        below: [{ kind: 'endpoint', bdf: AT.nvme, driver: 'nvme', readyAfterMs: 20, onFatal: 'frozen' }],
      },
      {
        kind: 'root_port',
        bdf: '0000:00:07.0',
        below: [
          { kind: 'endpoint', bdf: AT.network0, driver: 'ixgbe' },
          { kind: 'endpoint', bdf: AT.network1, driver: 'ixgbe' },
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
                below: [{ kind: 'endpoint', bdf: AT.behindSwitch, driver: 'nvme' }],
              },
              {
                kind: 'downstream_port',
                bdf: '0000:04:01.0',
                driver: 'pcieport',
                below: [{ kind: 'endpoint', bdf: AT.besideSwitch, driver: 'nvme' }],
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
        collects: [{ kind: 'rciep', bdf: AT.dsa, driver: 'idxd' }],
      },
    ],
  });

/** The functions that have a driver of the simulation's own; ports have the platform's. */
export const DRIVEN = [AT.nvme, AT.network0, AT.network1, AT.behindSwitch, AT.besideSwitch, AT.dsa].map(parseBdf);

import { parseBdf } from '@pci-recovery/core';
import { type EndpointDescription } from '../../src/sim/index.js';
import { type Machine } from './host.js';

export const at = (text: string) => parseBdf(text);

const card = (bus: number, more: Partial<EndpointDescription> = {}): EndpointDescription => ({
  kind: 'endpoint',
  bdf: `0${bus}:00.0`,
  driver: 'nvme',
  ...more,
});

/** A root port, below it one endpoint. */
export const single = (more: Partial<EndpointDescription> = {}): Machine => ({
  hostBridges: [{ phb: 0, below: [{ kind: 'root_port', bdf: '00:00.0', below: [card(1, more)] }] }],
});

/** Three host bridges with an endpoint each: nothing in common. */
export const SEPARATE: Machine = {
  hostBridges: [0, 1, 2].map((phb) => ({
    phb,
    below: [{ kind: 'root_port' as const, bdf: '00:00.0', below: [card(1)] }],
  })),
};
export const [A0, A1, A2] = [at('0000:01:00.0'), at('0001:01:00.0'), at('0002:01:00.0')] as const;

/** A switch with two endpoints: PEs within PEs. */
export const SWITCH: Machine = {
  hostBridges: [
    {
      phb: 0,
      below: [
        {
          kind: 'root_port',
          bdf: '00:00.0',
          below: [
            {
              kind: 'upstream_port',
              bdf: '01:00.0',
              below: [
                { kind: 'downstream_port', bdf: '02:00.0', below: [card(3)] },
                { kind: 'downstream_port', bdf: '02:01.0', below: [card(4)] },
              ],
            },
          ],
        },
      ],
    },
  ],
};
export const UP = at('0000:01:00.0');
export const LEFT = at('0000:03:00.0');
export const RIGHT = at('0000:04:00.0');

/** A card with two virtual functions, each in a PE of its own. */
export const VIRTUAL: Machine = single({
  virtualFunctions: [
    { bdf: '01:00.1', driver: 'iavf' },
    { bdf: '01:00.2', driver: 'iavf' },
  ],
});
export const PF = at('0000:01:00.0');
export const VF1 = at('0000:01:00.1');
export const VF2 = at('0000:01:00.2');

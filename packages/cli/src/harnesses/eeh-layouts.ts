import { type EndpointDescription, type HostBridgeDescription, type PortDescription } from '@pci-recovery/eeh/sim';

/** A layout of the EEH law on simulated hardware: its host bridges, and where its functions are. */
export interface EehLayout {
  readonly hostBridges: readonly HostBridgeDescription[];
  readonly functions: Readonly<Record<string, string>>;
}

const endpoint = (bdf: string, pe?: number): EndpointDescription => ({
  kind: 'endpoint',
  bdf,
  ...(pe !== undefined && { pe }),
});

const driven = (
  kind: PortDescription['kind'],
  bdf: string,
  below: readonly (PortDescription | EndpointDescription)[],
): PortDescription => ({ kind, bdf, driver: 'pcieport', below });

const A = '0000:00:00.0';

/** The layouts that the EEH profile knows, by name. */
export const EEH_LAYOUTS: ReadonlyMap<string, EehLayout> = new Map<string, EehLayout>([
  ['single', { hostBridges: [{ phb: 0, below: [endpoint(A)] }], functions: { a: A } }],
  [
    'pair',
    {
      hostBridges: [{ phb: 0, below: [endpoint(A), endpoint('0000:00:00.1')] }],
      functions: { a: A, b: '0000:00:00.1' },
    },
  ],
  [
    'triple',
    {
      hostBridges: [{ phb: 0, below: [endpoint(A), endpoint('0000:00:00.1'), endpoint('0000:00:00.2')] }],
      functions: { a: A, b: '0000:00:00.1', c: '0000:00:00.2' },
    },
  ],
  [
    'disjoint',
    {
      hostBridges: [0, 1, 2].map((phb) => ({ phb, below: [endpoint('00:00.0')] })),
      functions: { a: A, b: '0001:00:00.0', c: '0002:00:00.0' },
    },
  ],
  [
    'bridge',
    {
      hostBridges: [{ phb: 0, below: [{ kind: 'root_port', bdf: A, pe: 7, below: [endpoint('0000:01:00.0', 7)] }] }],
      functions: { top: A, a: '0000:01:00.0' },
    },
  ],
  [
    'nested',
    {
      hostBridges: [
        {
          phb: 0,
          below: [
            driven('root_port', A, [
              driven('upstream_port', '0000:01:00.0', [
                driven('downstream_port', '0000:02:00.0', [endpoint('0000:03:00.0')]),
                driven('downstream_port', '0000:02:01.0', [endpoint('0000:04:00.0')]),
              ]),
            ]),
          ],
        },
      ],
      functions: {
        top: A,
        up: '0000:01:00.0',
        dp1: '0000:02:00.0',
        a: '0000:03:00.0',
        dp2: '0000:02:01.0',
        b: '0000:04:00.0',
      },
    },
  ],
]);

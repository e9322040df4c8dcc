import {
  type EndpointDescription,
  type RootPortDescription,
  type UpstreamPortDescription,
} from '@pci-recovery/aer/sim';

/** A layout of the AER law on simulated hardware: its ports, and where its functions are. */
export interface AerLayout {
  readonly rootPorts: readonly RootPortDescription[];
  readonly functions: Readonly<Record<string, string>>;
}

const endpoint = (bdf: string): EndpointDescription => ({ kind: 'endpoint', bdf });

const rootPort = (bdf: string, below: RootPortDescription['below'] & {}): RootPortDescription => ({
  kind: 'root_port',
  bdf,
  driver: 'pcieport',
  below,
});

/** A switch with an endpoint below each downstream port. `driver`: what its ports are bound to. */
const switchOf = (
  driver: string | undefined,
  ...downstream: readonly [bdf: string, endpoint: string][]
): UpstreamPortDescription => ({
  kind: 'upstream_port',
  bdf: '0000:01:00.0',
  ...(driver && { driver }),
  below: downstream.map(([bdf, below]) => ({
    kind: 'downstream_port' as const,
    bdf,
    ...(driver && { driver }),
    below: [endpoint(below)],
  })),
});

const TOP = '0000:00:01.0';
const A = '0000:01:00.0';

/** The layouts that the AER profile knows, by name. */
export const AER_LAYOUTS: ReadonlyMap<string, AerLayout> = new Map<string, AerLayout>([
  ['single', { rootPorts: [rootPort(TOP, [endpoint(A)])], functions: { top: TOP, a: A } }],
  [
    'pair',
    {
      rootPorts: [rootPort(TOP, [endpoint(A), endpoint('0000:01:00.1')])],
      functions: { top: TOP, a: A, b: '0000:01:00.1' },
    },
  ],
  [
    'triple',
    {
      rootPorts: [rootPort(TOP, [endpoint(A), endpoint('0000:01:00.1'), endpoint('0000:01:00.2')])],
      functions: { top: TOP, a: A, b: '0000:01:00.1', c: '0000:01:00.2' },
    },
  ],
  [
    'disjoint',
    {
      rootPorts: [rootPort(TOP, [endpoint(A)]), rootPort('0000:00:02.0', [endpoint('0000:02:00.0')])],
      functions: { top: TOP, a: A, top2: '0000:00:02.0', b: '0000:02:00.0' },
    },
  ],
  [
    'bridge',
    {
      rootPorts: [rootPort(TOP, [switchOf(undefined, ['0000:02:00.0', '0000:03:00.0'])])],
      functions: { top: TOP, up: '0000:01:00.0', dp: '0000:02:00.0', a: '0000:03:00.0' },
    },
  ],
  [
    'nested',
    {
      rootPorts: [
        rootPort(TOP, [switchOf('pcieport', ['0000:02:00.0', '0000:03:00.0'], ['0000:02:01.0', '0000:04:00.0'])]),
      ],
      functions: {
        top: TOP,
        up: '0000:01:00.0',
        dp1: '0000:02:00.0',
        a: '0000:03:00.0',
        dp2: '0000:02:01.0',
        b: '0000:04:00.0',
      },
    },
  ],
]);

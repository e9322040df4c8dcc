import { requesterId, type Bdf, type ChannelState, type Clock } from '@pci-recovery/core';
import { AerPlatform, type AerEvent, type AerHostPort } from '@pci-recovery/aer';
import { type PciTopology } from '@pci-recovery/pci/topology';
import { type KernelRecovery } from './kernel-recoveries.js';

/** Nothing waits in a replay. */
const NO_TIME: Clock = {
  monotonic: () => 0,
  wall: () => 0,
  after: () => ({ [Symbol.dispose]: () => undefined }),
};

/** Our platform on a machine of which only the topology is there: nothing of it touches a register in a replay. */
export class ReplayedPlatform {
  readonly aer: AerPlatform;
  readonly #uevents: { readonly bdf: Bdf; readonly event: string }[] = [];
  readonly #met = new Set<Bdf>();
  #sequence = 0;

  constructor(readonly topology: PciTopology) {
    const port: AerHostPort = {
      topology,
      generationOf: () => 0,
      readConfig: () => 0,
      writeConfig: () => undefined,
      interrupts: async function* () {},
      uevent: (bdf, event) => void this.#uevents.push({ bdf, event }),
    };
    this.aer = new AerPlatform(port, NO_TIME);
  }

  /** The uevents that were sent since it was last asked. */
  takeUevents(): readonly { readonly bdf: Bdf; readonly event: string }[] {
    return this.#uevents.splice(0);
  }

  /** The root port that a function reports to; itself where there is none. */
  rootOf(bdf: Bdf): Bdf {
    return this.topology.rootPort(bdf)?.bdf ?? bdf;
  }

  /** A channel as recoveries before this step left it. Later on ours must know it by itself. */
  found(bdf: Bdf, channel: ChannelState): void {
    if (this.#met.has(bdf)) return;
    this.#met.add(bdf);
    if (this.aer.channelOf(bdf) !== channel) this.aer.beforeCallback({ bdf, generation: 0 }, 'errorDetected', channel);
  }

  /** The error that a recovery is about, as a message to the root port tells it. */
  event({ device: bdf, seconds }: KernelRecovery, severity: 'nonfatal' | 'fatal'): AerEvent {
    const portType = this.topology.get(bdf)?.portType;
    return {
      platform: this.aer.name,
      sequence: this.#sequence++,
      monotonic: seconds * 1e9,
      wall: 0,
      severity,
      device: { bdf, generation: 0 },
      record: {
        origin: 'message',
        root: this.rootOf(bdf),
        ...(portType && { portType }),
        severity,
        multiple: false,
        sourceId: requesterId(bdf),
        status: 0,
        mask: 0,
        advisory: 0,
        accessible: false,
      },
    };
  }
}

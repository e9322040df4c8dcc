import { type Bdf, type Capability, type Member, type RecoveryScope } from '@pci-recovery/core';
import { type TopologyFunction } from '@pci-recovery/pci/topology';
import { type AerHostPort } from '../port.js';
import { type Channels } from './channels.js';

const NO_HANDLERS: Member['handles'] = new Set();

/**
 * The function whose subordinates a recovery concerns: the detecting port, event collector or RCiEP itself, for anything
 * else its upstream port. Without one, the function itself.
 *
 * Source: Linux 7.3 drivers/pci/pcie/err.c:pcie_do_recovery.
 */
export function recoveryBridge({ topology }: Pick<AerHostPort, 'topology'>, bdf: Bdf): TopologyFunction | undefined {
  const fn = topology.get(bdf);
  switch (fn?.portType) {
    case 'root_port':
    case 'downstream_port':
    case 'rcec':
    case 'rciep':
      return fn;
    default:
      return topology.upstreamBridge(bdf) ?? fn;
  }
}

/** Everything below the bridge, in walk order, without the bridge; what has no bus below concerns only itself. */
export function recoveryScope(
  port: AerHostPort,
  bdf: Bdf,
  channels: Channels,
  capabilities: Readonly<Record<string, Capability>>,
): RecoveryScope {
  const bridge = recoveryBridge(port, bdf);
  const memberOf = (fn: TopologyFunction): Member => {
    const { bdf, bridge } = fn;
    const generation = port.generationOf(bdf);
    const channel = channels.of({ bdf, generation });
    return { bdf, generation, bridge, channel, driver: fn.driver !== undefined, handles: NO_HANDLERS };
  };
  if (!bridge) return { id: `gone ${bdf}`, members: [], capabilities };
  if (bridge.secondary === undefined) return { id: bridge.bdf, members: [memberOf(bridge)], capabilities };
  return { id: `below ${bridge.bdf}`, members: Array.from(port.topology.below(bridge.bdf), memberOf), capabilities };
}

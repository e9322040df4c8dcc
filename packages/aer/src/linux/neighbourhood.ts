import { type Bdf } from '@pci-recovery/core';
import { type PciTopology } from '@pci-recovery/pci/topology';
import { recoveryBridge } from '../platform/scope.js';

/** A function and every bridge above it, upwards. */
export function upwards(topology: PciTopology, bdf: Bdf): Bdf[] {
  const path = [bdf];
  for (let at = topology.upstreamBridge(bdf); at && !path.includes(at.bdf); at = topology.upstreamBridge(at.bdf))
    path.push(at.bdf);
  return path;
}

/**
 * The functions whose errors can concern `bdf`: itself, everybody below the same port, and the ports above. The kernel recovers
 * everything below the port that detected an error, or below the port above the function that did.
 */
export function possibleSources(topology: PciTopology, bdf: Bdf): Set<Bdf> {
  const bridge = topology.upstreamBridge(bdf);
  const below = bridge ? Array.from(topology.below(bridge.bdf), (fn) => fn.bdf) : [];
  return new Set([...upwards(topology, bdf), ...below]);
}

/** The functions that the kernel recovers when `source` has an error. */
export function concernedBy(topology: PciTopology, source: Bdf): Set<Bdf> {
  const bridge = recoveryBridge({ topology }, source);
  if (!bridge) return new Set([source]);
  if (bridge.secondary === undefined) return new Set([bridge.bdf]);
  return new Set(Array.from(topology.below(bridge.bdf), (fn) => fn.bdf));
}

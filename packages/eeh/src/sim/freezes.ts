import { OPAL_ERROR, OPAL_SEVERITY } from '../firmware/opal.js';
import { namesOf, type Machine, type SimulatedHostBridge, type SimulatedPe } from './machine.js';

/** Stops MMIO, DMA or both of a PE. Bits that are set stay set. */
export function freezePe(machine: Machine, pe: SimulatedPe, { mmio, dma }: { mmio: boolean; dma: boolean }): void {
  if ((!mmio || pe.mmioFrozen) && (!dma || pe.dmaFrozen)) return;
  pe.mmioFrozen ||= mmio;
  pe.dmaFrozen ||= dma;
  const { phb, number } = pe;
  const functions = namesOf(pe.functions);
  machine.witness.add({ kind: 'frozen', phb, pe: number, mmio: pe.mmioFrozen, dma: pe.dmaFrozen, functions });
}

/** Lifts freezes. */
export function thawPe(machine: Machine, pe: SimulatedPe, { mmio, dma }: { mmio: boolean; dma: boolean }): void {
  const { phb, number } = pe;
  const thawed = (what: 'mmio' | 'dma'): void =>
    machine.witness.add({ kind: 'thawed', phb, pe: number, what, functions: namesOf(pe.functions) });
  if (mmio && pe.mmioFrozen) {
    pe.mmioFrozen = false;
    thawed('mmio');
  }
  if (dma && pe.dmaFrozen) {
    pe.dmaFrozen = false;
    thawed('dma');
  }
}

/** Firmware has something to report: the interrupt is raised. */
export function reportError(
  machine: Machine,
  bridge: SimulatedHostBridge,
  error: keyof typeof OPAL_ERROR,
  severity: keyof typeof OPAL_SEVERITY,
  pe = 0,
): void {
  if (machine.flavour !== 'opal') return;
  bridge.errors.push({ error: OPAL_ERROR[error], severity: OPAL_SEVERITY[severity], pe });
  machine.witness.add({ kind: 'error_interrupt', functions: [] });
  machine.interrupts.raise();
}

/** Everything of a host bridge stops until it is reset completely; or for good. */
export function stopHostBridge(machine: Machine, bridge: SimulatedHostBridge, state: 'fenced' | 'dead'): void {
  if (bridge.state === 'dead' || bridge.state === state) return;
  bridge.state = state;
  machine.witness.add({ kind: state, phb: bridge.phb, functions: namesOf(bridge.functions) });
}

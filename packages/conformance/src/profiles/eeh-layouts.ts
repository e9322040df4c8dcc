import { type Layout, type LayoutFunction } from '../profile.js';

const ENDPOINT: LayoutFunction = { kind: 'endpoint' };

/** A port that no driver is bound to. */
const BARE: LayoutFunction = { kind: 'bridge' };

/** Linux 7.3 drivers/pci/pcie/portdrv.c: the votes of a port's own driver. */
const PORT: LayoutFunction = {
  kind: 'bridge',
  ownDriver: {
    errorDetected: { normal: 'can_recover', frozen: 'need_reset' },
    mmioEnabled: 'recovered',
    slotReset: 'recovered',
  },
};

const BELOW_UP = ['up', 'dp1', 'dp2', 'a', 'b'];
const BELOW_DP = ['dp1', 'dp2', 'a', 'b'];

/** A host bridge that is fenced concerns all that it has, whoever found it. */
const everywhere = (scope: readonly string[]): Layout['scopes'] =>
  Object.fromEntries(scope.map((name) => [name, scope]));

const oneLane = (...names: readonly string[]): Layout['lanes'] =>
  Object.fromEntries(names.map((name) => [name, 'machine']));

/**
 * Whom a recovery concerns: the functions of the frozen PE, then those of the PEs below it. One thread serves the machine.
 *
 * Source: Linux 7.3 arch/powerpc/kernel/eeh_pe.c:eeh_for_each_pe, eeh_event.c:eeh_event_handler.
 */
export const EEH_LAYOUTS: Readonly<Record<string, Layout>> = {
  /** A function on a host bridge's own bus: its PE, and all that the host bridge has. */
  single: { functions: { a: ENDPOINT }, scopes: { a: ['a'] }, lanes: oneLane('a') },
  /** Two functions of one PE. */
  pair: {
    functions: { a: ENDPOINT, b: ENDPOINT },
    scopes: { a: ['a', 'b'], b: ['a', 'b'] },
    lanes: oneLane('a', 'b'),
  },
  /** Three functions of one PE. */
  triple: {
    functions: { a: ENDPOINT, b: ENDPOINT, c: ENDPOINT },
    scopes: { a: ['a', 'b', 'c'], b: ['a', 'b', 'c'], c: ['a', 'b', 'c'] },
    lanes: oneLane('a', 'b', 'c'),
  },
  /** Three host bridges with a function each. */
  disjoint: {
    functions: { a: ENDPOINT, b: ENDPOINT, c: ENDPOINT },
    scopes: { a: ['a'], b: ['b'], c: ['c'] },
    lanes: oneLane('a', 'b', 'c'),
  },
  /** A root port that nobody drives, in one PE with the function below it. A hot reset does not reach the root port. */
  bridge: {
    functions: { top: BARE, a: ENDPOINT },
    scopes: { top: ['top', 'a'], a: ['top', 'a'] },
    resets: { top: ['a'], a: ['a'] },
    incidents: { fenced: { resets: {} } },
    lanes: oneLane('top', 'a'),
  },
  /** Root port, switch with two downstream ports, a function below each: a PE per bus. */
  nested: {
    functions: { top: PORT, up: PORT, dp1: PORT, dp2: PORT, a: ENDPOINT, b: ENDPOINT },
    scopes: { top: ['top', ...BELOW_UP], up: BELOW_UP, dp1: BELOW_DP, dp2: BELOW_DP, a: ['a'], b: ['b'] },
    resets: { top: BELOW_UP },
    incidents: { fenced: { scopes: everywhere(['top', ...BELOW_UP]), resets: {} } },
    stops: { top: ['top'], up: ['up'], dp1: ['dp1', 'dp2'], dp2: ['dp1', 'dp2'] },
    lanes: oneLane('top', ...BELOW_UP),
  },
};

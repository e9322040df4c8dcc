import { type Layout, type LayoutFunction } from '../profile.js';

const ENDPOINT: LayoutFunction = { kind: 'endpoint' };

/** A port that no driver is bound to. */
const BARE: LayoutFunction = { kind: 'bridge' };

/** Linux 7.3 drivers/pci/pcie/portdrv.c: a port's own driver; drivers/pci/pci.c:pci_restore_state clears status. */
const PORT: LayoutFunction = {
  kind: 'bridge',
  ownDriver: {
    errorDetected: { normal: 'can_recover', frozen: 'need_reset' },
    mmioEnabled: 'recovered',
    slotReset: 'recovered',
    slotResetClears: { given: 'native_aer' },
  },
};

/**
 * Whom a recovery concerns, by who detected the error: below a root or downstream port everything, not the port itself;
 * for anything else, everything below its upstream port. Every root port has a lane: its interrupt thread.
 *
 * Source: Linux 7.3 drivers/pci/pcie/err.c:pcie_do_recovery, pci_walk_bridge.
 */
export const AER_LAYOUTS: Readonly<Record<string, Layout>> = {
  /** Root port `top`, below it one function. */
  single: {
    functions: { top: PORT, a: ENDPOINT },
    scopes: { a: ['a'], top: ['a'] },
    lanes: { a: 'top', top: 'top' },
  },
  /** A device with two functions. */
  pair: {
    functions: { top: PORT, a: ENDPOINT, b: ENDPOINT },
    scopes: { a: ['a', 'b'], b: ['a', 'b'], top: ['a', 'b'] },
    lanes: { a: 'top', b: 'top', top: 'top' },
  },
  /** A device with three functions. */
  triple: {
    functions: { top: PORT, a: ENDPOINT, b: ENDPOINT, c: ENDPOINT },
    scopes: { a: ['a', 'b', 'c'], b: ['a', 'b', 'c'], c: ['a', 'b', 'c'], top: ['a', 'b', 'c'] },
    lanes: { a: 'top', b: 'top', c: 'top', top: 'top' },
  },
  /** Two root ports with a function each. */
  disjoint: {
    functions: { top: PORT, a: ENDPOINT, top2: PORT, b: ENDPOINT },
    scopes: { a: ['a'], b: ['b'], top: ['a'], top2: ['b'] },
    lanes: { a: 'top', top: 'top', b: 'top2', top2: 'top2' },
  },
  /** Root port, switch with one downstream port, function; nobody drives the switch. */
  bridge: {
    functions: { top: PORT, up: BARE, dp: BARE, a: ENDPOINT },
    scopes: { top: ['up', 'dp', 'a'], up: ['up', 'dp', 'a'], dp: ['a'], a: ['a'] },
    lanes: { top: 'top', up: 'top', dp: 'top', a: 'top' },
  },
  /** Root port, switch with two downstream ports, a function below each. */
  nested: {
    functions: { top: PORT, up: PORT, dp1: PORT, a: ENDPOINT, dp2: PORT, b: ENDPOINT },
    scopes: {
      top: ['up', 'dp1', 'a', 'dp2', 'b'],
      up: ['up', 'dp1', 'a', 'dp2', 'b'],
      dp1: ['a'],
      a: ['a'],
      dp2: ['b'],
      b: ['b'],
    },
    lanes: { top: 'top', up: 'top', dp1: 'top', a: 'top', dp2: 'top', b: 'top' },
  },
};

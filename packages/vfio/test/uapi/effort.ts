import { type ByteOrder, HOST_BYTE_ORDER } from '../../src/uapi/index.js';

// Under an emulator everything takes ten times as long: it tries less, and only what is its own.
const emulated = process.env.PCI_RECOVERY_EMULATED !== undefined;

/** How often a property is tried. */
export const runs = (natively: number): number => (emulated ? Math.ceil(natively / 10) : natively);

/** The byte orders to try: both, or that of the emulated host. */
export const ORDERS: readonly ByteOrder[] = emulated ? [HOST_BYTE_ORDER] : ['LE', 'BE'];

import { encodeCcdfError, errorClass } from '../../ccdf/index.js';
import { type Machine } from './machine.js';
import { PAGE_SHIFT, type SimulatedFunction } from './simulated-function.js';

/** An error that a function detects. Fields as in the record; default: 0. */
export interface ErrorDetails {
  /** 16 bits. Default: 0x0b, a system error. */
  readonly pec?: number;
  /** 64 bits. */
  readonly faddr?: bigint;
  readonly ett?: number;
  readonly mvn?: number;
  readonly dmaas?: number;
  readonly q?: number;
  readonly rw?: number;
  /** Firmware disables the function as well; `silently`: its handle does not show it. Default: it stays enabled. */
  readonly disables?: 'openly' | 'silently';
}

/** A DMA access of a function. */
export interface DmaAccess {
  readonly address: bigint;
  /** Bytes, at least 1. Default: 1. */
  readonly length?: bigint;
  /** The device writes to memory. Default: true. */
  readonly write?: boolean;
}

/** How a DMA access ended. `blocked`: it went nowhere, and nobody is told. */
export type DmaOutcome = 'done' | 'blocked' | 'fault';

/** A translation exception: nothing is mapped at the address. */
const NOT_MAPPED = 0x04;
/** The address is below the aperture. */
const OUT_OF_RANGE = 0x02;
const SYSTEM_ERROR = 0x0b;

/**
 * A function detects an error: it is blocked, unless it only concerns measurement, and firmware reports it.
 * @throws PciRecoveryError `ERR_PCI_BAD_CCDF_FIELD` for a field out of its range; then nothing has happened.
 */
export function detectError(machine: Machine, fn: SimulatedFunction, details: ErrorDetails = {}): void {
  const { disables, pec = SYSTEM_ERROR, ...fields } = details;
  // What no record can tell of does not happen.
  encodeCcdfError({ ...fields, pec });
  const kind = errorClass(pec);
  if (kind !== 'measurement') {
    fn.error = true;
    fn.blocked = true;
    fn.permanent ||= kind === 'permanent';
    if (disables) disable(fn, disables === 'silently');
    machine.log.add(fn, { kind: 'error_state', pec, disabled: disables !== undefined });
  }
  machine.reportError(fn, { ...fields, pec });
}

function disable(fn: SimulatedFunction, silently: boolean): void {
  fn.enabled = false;
  fn.silentlyDisabled = silently;
  fn.disabledByError = true;
  fn.translated = false;
}

/** A device does DMA. What it may not reach puts it into the error state (as QEMU 7.2 has it). */
export function accessMemory(machine: Machine, fn: SimulatedFunction, access: DmaAccess): DmaOutcome {
  const { address, length = 1n, write = true } = access;
  const outcome = reach(machine, fn, address, length, write ? 1 : 0);
  machine.log.add(fn, { kind: 'dma', address: `0x${address.toString(16)}`, outcome });
  return outcome;
}

function reach(machine: Machine, fn: SimulatedFunction, address: bigint, length: bigint, rw: number): DmaOutcome {
  if (!fn.reachesMemory) return 'blocked';
  // What lies above the aperture is not reported.
  if (address > fn.aperture.end) return 'blocked';
  if (address < fn.aperture.start) {
    detectError(machine, fn, { pec: OUT_OF_RANGE, faddr: address, rw });
    return 'fault';
  }
  const end = address + length - 1n;
  const last = (end < fn.aperture.end ? end : fn.aperture.end) >> PAGE_SHIFT;
  for (let page = address >> PAGE_SHIFT; page <= last; page++) {
    if (fn.mapped.has(page)) continue;
    const start = page << PAGE_SHIFT;
    detectError(machine, fn, { pec: NOT_MAPPED, faddr: start > address ? start : address, rw });
    return 'fault';
  }
  return end > fn.aperture.end ? 'blocked' : 'done';
}

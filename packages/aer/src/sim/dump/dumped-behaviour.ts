import { type PciFunction } from '@pci-recovery/pci';
import { ALL_ERRORS, VIRTUAL_FUNCTION_ERRORS } from '../access/aer-rows.js';
import { type Behaviour } from '../machine/simulated-function.js';

/** Headers that a function with Multiple Header Recording is taken to have room for: the bytes do not say. */
const HEADER_RECORDS = 4;

/** How a function behaves, as far as its registers tell. Resets and link training take no time. */
export function dumpedBehaviour(decoded: PciFunction, virtual: boolean): Behaviour {
  return {
    onFatal: 'answering',
    readyAfterMs: 0,
    linkUpAfterMs: 0,
    headerRecords: decoded.aer?.control.multipleHeaderRecordingCapable ? HEADER_RECORDS : 1,
    prefixLog: decoded.pcie?.second === true && decoded.pcie.deviceCapabilities2.endEndTlpPrefix,
    errors: virtual ? VIRTUAL_FUNCTION_ERRORS : ALL_ERRORS,
  };
}

const WORD = 0xffff_ffff;

/**
 * Which bits of base address registers can be written. Their sizes are not in the bytes, so the largest size that the
 * address allows is taken; a register that reads 0 counts as not implemented.
 */
export function writableAddressBits(registers: readonly number[]): number[] {
  const bits = registers.map(() => 0);
  for (let n = 0; n < registers.length; n++) {
    const low = registers[n]!;
    if (low === 0 || low === WORD) continue;
    const attributes = low & 1 ? 0x3 : 0xf;
    const address = (low & ~attributes) >>> 0;
    const lowest = address === 0 ? 0x8000_0000 : (address & -address) >>> 0;
    bits[n] = (WORD - (lowest - 1)) & ~attributes;
    if ((low & 0x7) === 0x4 && n + 1 < registers.length) bits[++n] = WORD;
  }
  return bits.map((one) => one >>> 0);
}

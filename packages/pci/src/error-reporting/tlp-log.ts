import { AER_CONTROL, TLP_LOG_DWORDS } from '../registers/index.js';
import { type AerRegisters } from './registers.js';

/** A logged TLP. Byte 0 of the TLP is in bits 31:24 of its first dword. */
export interface TlpLog {
  /** It was received in Flit Mode: `header` then holds all that was logged. */
  readonly flit: boolean;
  /** Four dwords; in Flit Mode as many as Logged TLP Size says, at most 14. */
  readonly header: readonly number[];
  /** End-End TLP Prefixes, up to four; empty in Flit Mode. */
  readonly prefixes: readonly number[];
}

/**
 * What the log registers of AER hold (PCIe r6.1 §7.8.4.8, §7.8.4.12; Linux drivers/pci/pcie/tlp.c:aer_tlp_log_len,
 * pcie_print_tlp_log). Prefixes end at the first dword of zeros.
 */
export function tlpLog(registers: AerRegisters, maxEndEndPrefixes: number): TlpLog {
  const { control, headerLog, prefixLog } = registers;
  const { loggedInFlitMode, loggedTlpSize, tlpPrefixLogPresent } = AER_CONTROL;
  if (control & loggedInFlitMode.mask) {
    const size = (control & loggedTlpSize.mask) >>> loggedTlpSize.shift;
    return { flit: true, header: [...headerLog, ...prefixLog].slice(0, size), prefixes: [] };
  }
  if ((control & tlpPrefixLogPresent.mask) === 0) return { flit: false, header: headerLog, prefixes: [] };
  const prefixes = prefixLog.slice(0, maxEndEndPrefixes || TLP_LOG_DWORDS.prefix);
  const end = prefixes.indexOf(0);
  return { flit: false, header: headerLog, prefixes: end < 0 ? prefixes : prefixes.slice(0, end) };
}

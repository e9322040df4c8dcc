import { DIAG_HEADER } from '@pci-recovery/eeh/diag';
import { CCDF_ERROR_LENGTH } from '@pci-recovery/zpci';

/** What an input is taken for. `text`: a dump of lspci, a kernel log, or both mixed with diagnostic data. */
export type Recognised =
  | { readonly kind: 'text'; readonly bytes: Uint8Array }
  | { readonly kind: 'ccdf' | 'phb_diag'; readonly bytes: Uint8Array };

const u32 = (bytes: Uint8Array, at: number): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);

/** The largest hexadecimal text that is looked at as one: PHB diagnostic data has some 20 KiB. */
const MOST_HEX = 1 << 20;

/** The bytes that a text of nothing but hexadecimal digits and white space stands for. */
function hexBytes(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length === 0 || bytes.length > MOST_HEX) return undefined;
  const digits = Buffer.from(bytes)
    .toString('latin1')
    .replaceAll(/0x|[\s,]/gi, '');
  if (digits.length === 0 || digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) return undefined;
  return Buffer.from(digits, 'hex');
}

/** Diagnostic data begins with a small version and its own length; a CCDF has exactly one length. */
function recordKind(bytes: Uint8Array): 'ccdf' | 'phb_diag' | undefined {
  if (bytes.length === CCDF_ERROR_LENGTH) return 'ccdf';
  if (bytes.length < DIAG_HEADER.size || u32(bytes, DIAG_HEADER.VERSION) > 0xff) return undefined;
  const length = u32(bytes, DIAG_HEADER.LENGTH);
  return length >= DIAG_HEADER.size && length <= bytes.length ? 'phb_diag' : undefined;
}

/** Tells records (binary, or as hexadecimal text) from text. */
export function recognise(bytes: Uint8Array): Recognised {
  for (const candidate of [bytes, hexBytes(bytes)]) {
    const kind = candidate && recordKind(candidate);
    if (kind) return { kind, bytes: candidate };
  }
  return { kind: 'text', bytes };
}

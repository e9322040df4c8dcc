import { DIAG_HEADER, recognisePhbDiag } from '@pci-recovery/eeh/diag';
import { CCDF_ERROR_LENGTH } from '@pci-recovery/zpci';

/** What an input is taken for. `text`: a dump of lspci, a kernel log, or both mixed with diagnostic data. */
export interface Recognised {
  readonly kind: 'text' | 'ccdf' | 'phb_diag';
  readonly bytes: Uint8Array;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The largest hexadecimal text that is looked at as one: PHB diagnostic data has some 20 KiB. */
const MOST_HEX = 1 << 20;

const MARK = Uint8Array.of(0xef, 0xbb, 0xbf);

/** A text without the byte order mark that some programs put in front. */
const unmarked = (bytes: Uint8Array): Uint8Array =>
  MARK.every((byte, index) => bytes[index] === byte) ? bytes.subarray(MARK.length) : bytes;

/** The digits of a text of nothing but hexadecimal digits and white space. */
function hexDigits(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.length > MOST_HEX) return undefined;
  const digits = Buffer.from(bytes)
    .toString('latin1')
    .replaceAll(/0x|[\s,]/gi, '');
  return /^[0-9a-f]+$/i.test(digits) ? digits : undefined;
}

/** No text has a byte 0, and every record has some: in its reserved fields, in the upper half of its codes. */
const isText = (bytes: Uint8Array): boolean => !bytes.includes(0);

/** One record, or several that follow each other: those then have nothing in their first word, and an event code. */
function isCcdf(bytes: Uint8Array): boolean {
  if (bytes.length === CCDF_ERROR_LENGTH) return true;
  if (bytes.length === 0 || bytes.length > MOST_HEX || bytes.length % CCDF_ERROR_LENGTH !== 0) return false;
  const view = viewOf(bytes);
  for (let at = 0; at < bytes.length; at += CCDF_ERROR_LENGTH)
    if (view.getUint32(at) !== 0 || view.getUint16(at + CCDF_ERROR_LENGTH - 2) === 0) return false;
  return true;
}

/** Diagnostic data of a known kind, whole or not; or of another one that is as long as its header says. */
function isPhbDiag(bytes: Uint8Array): boolean {
  if (recognisePhbDiag(bytes) !== undefined) return true;
  if (bytes.length < DIAG_HEADER.size) return false;
  const view = viewOf(bytes);
  const version = view.getUint32(DIAG_HEADER.VERSION);
  const length = view.getUint32(DIAG_HEADER.LENGTH);
  return version >= 1 && version <= 0xff && length >= DIAG_HEADER.size && length <= bytes.length;
}

const recordKind = (bytes: Uint8Array): 'ccdf' | 'phb_diag' | undefined =>
  isPhbDiag(bytes) ? 'phb_diag' : isCcdf(bytes) ? 'ccdf' : undefined;

/** Tells records (binary, or as hexadecimal text) from text. */
export function recognise(input: Uint8Array): Recognised {
  if (!isText(input)) {
    const kind = recordKind(input);
    return { kind: kind ?? 'text', bytes: input };
  }
  const bytes = unmarked(input);
  const record = Buffer.from(hexDigits(bytes) ?? '', 'hex');
  const kind = recordKind(record);
  return kind ? { kind, bytes: record } : { kind: 'text', bytes };
}

/** Why an input that was taken for text, and is none that is known, is no record either; undefined: nothing to add. */
export function whyNoRecord(bytes: Uint8Array): string | undefined {
  const record = `a CCDF record has ${CCDF_ERROR_LENGTH}`;
  if (bytes.length === 0) return 'it is empty';
  if (!isText(bytes)) return `it has ${bytes.length} bytes that are no text, and ${record}`;
  const digits = hexDigits(bytes);
  if (digits === undefined) return undefined;
  if (digits.length % 2 !== 0) return `it has ${digits.length} hexadecimal digits, and bytes have two each`;
  return `as bytes it has ${digits.length / 2}, and ${record}`;
}

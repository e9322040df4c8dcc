import { type DumpedDevice } from './dump.js';

const BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const LINE_BYTES = 16;

/** The hex lines of `bytes`, as lspci prints them: offset in at least two digits, 16 bytes per line. */
function hexLines(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += LINE_BYTES) {
    text += `${at.toString(16).padStart(2, '0')}:`;
    for (let i = at; i < Math.min(at + LINE_BYTES, bytes.length); i++) text += ` ${BYTE[bytes[i]!]}`;
    text += '\n';
  }
  return text;
}

/**
 * Writes a dump that `lspci -F` and {@link parseLspciDump} read back. Addresses carry their domain; line breaks in a
 * description become spaces.
 */
export function formatLspciDump(
  devices: Iterable<Pick<DumpedDevice, 'bdf' | 'bytes'> & { description?: string }>,
): string {
  let text = '';
  for (const { bdf, bytes, description = '' } of devices) {
    text += `${bdf} ${description.replace(/[\r\n]+/g, ' ')}\n${hexLines(bytes)}\n`;
  }
  return text;
}

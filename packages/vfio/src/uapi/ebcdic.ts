// Code page 037, printable characters from 0x40 on; firmware of IBM Z writes identifiers in it. '\0': no printable character.
const FROM_0X40 = [
  ' \u00a0âäàáãåçñ¢.<(+|&éêëèíîïìß!$*);¬',
  '-/ÂÄÀÁÃÅÇÑ¦,%_>?øÉÊËÈÍÎÏÌ`:#@\'="',
  'Øabcdefghi«»ðýþ±°jklmnopqrªºæ¸Æ¤',
  'µ~stuvwxyz¡¿ÐÝÞ®^£¥·©§¶¼½¾[]¯¨´×',
  '{ABCDEFGHI\u00adôöòóõ}JKLMNOPQR¹ûüùúÿ',
  '\\÷STUVWXYZ²ÔÖÒÓÕ0123456789³ÛÜÙÚ\0',
].join('');

const REPLACEMENT = '\ufffd';

/**
 * Text in EBCDIC (code page 037) as a string. NULs and blanks at the end are padding and left out; anything else that
 * cannot be printed becomes U+FFFD.
 */
export function decodeEbcdic(bytes: Uint8Array): string {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x40 || bytes[end - 1] === 0)) end -= 1;
  const characters = Array.from(bytes.subarray(0, end), (byte) => FROM_0X40[byte - 0x40] ?? '\0');
  return characters.map((character) => (character === '\0' ? REPLACEMENT : character)).join('');
}

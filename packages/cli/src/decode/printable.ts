/** Text of an input as it may be shown on a terminal: control characters (C0, DEL and C1) become their codes. */
export const printable = (text: string): string =>
  text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);

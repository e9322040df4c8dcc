import { styleText } from 'node:util';
import { type Io } from '../io.js';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Colours, or none. */
export type Palette = (style: Style, text: string) => string;

/** Colours only on a terminal, never with NO_COLOR (https://no-color.org) or a dumb terminal. */
export function paletteFor({ stdout, env }: Io): Palette {
  const coloured = stdout.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  // What `styleText` thinks of the process's own streams does not matter here.
  return coloured ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text;
}

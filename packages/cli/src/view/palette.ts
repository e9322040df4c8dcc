import { styleText } from 'node:util';
import { type Io } from '../io.js';

/** Colours, or none. */
export type Palette = (style: 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan', text: string) => string;

/** Colours only on a terminal, never with NO_COLOR (https://no-color.org) or a dumb terminal. */
export function paletteFor({ stdout, env }: Io): Palette {
  const coloured = stdout.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return coloured ? (style, text) => styleText(style, text) : (_, text) => text;
}

import { type Palette } from './palette.js';
import { sinceStart, type TimelineEntry } from './timeline.js';

/** One platform's timeline under its title. */
export interface Column {
  readonly title: string;
  readonly entries: readonly TimelineEntry[];
}

/** What every platform has, in the kernel's order: columns meet at these. */
const LANDMARKS: readonly string[] = ['error', 'error_detected', 'mmio_enabled', 'slot_reset', 'resume'];
const END = LANDMARKS.length;

const TIME_WIDTH = 9;
const GAP = '  │ ';

/** An entry's stage: landmarks begin one, everything after it belongs to it, ends have the last one. */
function stages(entries: readonly TimelineEntry[]): TimelineEntry[][] {
  const found: TimelineEntry[][] = Array.from({ length: END + 1 }, () => []);
  let stage = 0;
  for (const entry of entries) {
    if (entry.begins) continue;
    const landmark = LANDMARKS.indexOf(entry.label);
    if (landmark > stage) stage = landmark;
    else if (entry.label === 'recovered' || entry.label === 'disconnected' || entry.label === 'handed_over')
      stage = END;
    found[stage]!.push(entry);
  }
  return found;
}

/** What a cell has room for besides its time: a callback's vote without the address, an operation's name, an end's reason. */
const cellText = ({ label, text, style }: TimelineEntry): string =>
  style === 'cyan' ? `${label}: ${text.split('  ').at(-1)!}` : label;

/** A longer text is cut. */
const MOST_TEXT = 40;

function widthOf(columns: readonly Column[]): number {
  const texts = columns.flatMap(({ title, entries }) => [
    title.length,
    ...entries.filter(({ begins }) => !begins).map((entry) => TIME_WIDTH + 2 + cellText(entry).length),
  ]);
  return Math.min(TIME_WIDTH + 2 + MOST_TEXT, Math.max(...texts));
}

const cut = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);

/**
 * Timelines beside each other, row by row: the same callback of all platforms stands in one row, what each platform does in
 * between stands between. Times are milliseconds since each platform's own error. Columns are as wide as they need to be.
 */
export function sideBySide(columns: readonly Column[], paint: Palette): string[] {
  const width = widthOf(columns);
  const staged = columns.map(({ entries }) => stages(entries));
  const starts = columns.map(({ entries }) => entries.find(({ time }) => time !== undefined)?.time ?? 0);
  const cell = (entry: TimelineEntry | undefined, column: number): string => {
    if (!entry) return ' '.repeat(width);
    const time = entry.time === undefined ? '' : sinceStart(entry.time, starts[column]!);
    const text = cut(cellText(entry), width - TIME_WIDTH - 2);
    const style = entry.textStyle === 'red' ? 'red' : entry.style;
    return `${time.padStart(TIME_WIDTH)}  ${style ? paint(style, text) : text}`;
  };
  const lines = [
    columns.map(({ title }) => paint('bold', cut(title, width))).join(GAP),
    columns.map(() => '─'.repeat(width)).join('──┼─'),
  ];
  for (let stage = 0; stage <= END; stage++) {
    const rows = Math.max(...staged.map((column) => column[stage]!.length));
    for (let row = 0; row < rows; row++) {
      lines.push(
        staged
          .map((column, index) => cell(column[stage]![row], index))
          .join(GAP)
          .trimEnd(),
      );
    }
  }
  return lines;
}

import { main } from '../src/main.js';
import { SIMULATIONS } from '../src/simulation/simulations.js';
import { sideBySide } from '../src/view/side-by-side.js';
import { type TimelineEntry } from '../src/view/timeline.js';
import { capturedIo } from './captured-io.js';

const plain = (_: unknown, text: string): string => text;
const entry = (label: string, time = 0): TimelineEntry => ({ time, label, text: '' });
const callback = (label: string, vote: string, time = 0): TimelineEntry => ({
  time,
  label,
  style: 'cyan',
  text: `0000:01:00.0  ${vote}`,
});

const rows = (lines: readonly string[]): string[][] =>
  lines.slice(2).map((line) => line.split('│').map((cell) => cell.trim()));

async function shown(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const io = capturedIo();
  const code = await main(['simulate', '--side-by-side', ...args], io);
  return { code, out: io.out(), err: io.err() };
}

/** Faults that every platform has. */
const [first, ...others] = [...SIMULATIONS.values()];
const common = first!.faults.filter(({ name }) =>
  others.every(({ faults }) => faults.some((one) => one.name === name)),
);

describe('timelines side by side', () => {
  it('put the same callback of all platforms into one row, and what each does before it above', () => {
    const a = [
      entry('error'),
      callback('error_detected', 'need_reset'),
      entry('reset', 2e6),
      callback('slot_reset', 'x'),
    ];
    const b = [entry('error'), entry('look'), callback('error_detected', 'can_recover'), callback('slot_reset', 'y')];
    expect(
      rows(
        sideBySide(
          [
            { title: 'a', entries: a },
            { title: 'b', entries: b },
          ],
          plain,
        ),
      ),
    ).toEqual([
      ['0.000  error', '0.000  error'],
      ['', '0.000  look'],
      ['0.000  error_detected: need_reset', '0.000  error_detected: can_recover'],
      ['2.000  reset', ''],
      ['0.000  slot_reset: x', '0.000  slot_reset: y'],
    ]);
  });

  it('count time from the first entry of each platform', () => {
    const a = [entry('error', 5e6), entry('recovered', 7e6)];
    const b = [entry('error', 1e9), entry('recovered', 1e9)];
    expect(
      rows(
        sideBySide(
          [
            { title: 'a', entries: a },
            { title: 'b', entries: b },
          ],
          plain,
        ),
      ),
    ).toEqual([
      ['0.000  error', '0.000  error'],
      ['2.000  recovered', '0.000  recovered'],
    ]);
  });

  it('say at the end of an operation what they would say at its begin, once', () => {
    const begun: TimelineEntry = { time: 0, label: 'reset', text: '…', begins: true };
    const lines = sideBySide([{ title: 'a', entries: [entry('error'), begun, entry('reset')] }], plain);
    expect(lines.filter((line) => line.includes('reset'))).toHaveLength(1);
  });

  it('cut what has no room, visibly, and keep all columns of one width', () => {
    const long = entry('x'.repeat(200));
    const [title, rule] = sideBySide(
      [
        { title: 'a', entries: [long] },
        { title: 'b', entries: [] },
      ],
      plain,
    );
    expect(sideBySide([{ title: 'a', entries: [long] }], plain).at(-1)).toMatch(/x…$/);
    expect(title!.indexOf('│')).toBe(rule!.indexOf('┼'));
  });
});

describe('simulate --side-by-side', () => {
  it('there are faults that all platforms have', () => {
    expect(common.map(({ name }) => name)).toEqual(expect.arrayContaining(['fatal', 'nonfatal', 'driver-throws']));
  });

  it.each(common.map(({ name, ends }) => [name, ends] as const))('shows %s on all platforms', async (fault, ends) => {
    const { code, out, err } = await shown('--fault', fault);
    expect(err).toBe('');
    for (const platform of SIMULATIONS.keys()) expect(out).toContain(`${platform} (ms since its error)`);
    const told = out.split('\n').find((line) => line.includes('error_detected'))!;
    expect(told.match(/error_detected/g)).toHaveLength(SIMULATIONS.size);
    expect(out).toContain(ends);
    expect(code).toBe(ends === 'disconnected' ? 4 : 0);
  });

  it('shows a fault that one platform has on that one', async () => {
    const { code, out } = await shown('--fault', 'fenced');
    expect(out).toContain('eeh: fenced');
    expect(out).not.toContain('│');
    expect(code).toBe(0);
  });

  it.each(['--json', '--list'])('does not go with %s: that is a usage error', async (other) => {
    const { code, err } = await shown(other);
    expect(code).toBe(2);
    expect(err).toContain('cannot be used with option');
  });
});

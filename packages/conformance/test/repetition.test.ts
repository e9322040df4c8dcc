import { isTooMany } from '../src/cases/repetition.js';
import { type RepetitionLimit } from '../src/index.js';

const limit = (window: RepetitionLimit['window']): RepetitionLimit => ({ count: 3, windowMs: 100, window });

describe('a limit of repetitions', () => {
  it.each([
    ['one', [0], false],
    ['as many as are allowed', [0, 100], false],
    ['one more, all within the window', [0, 50, 100], true],
    ['a new window begins only after the whole of the first', [0, 90, 101], false],
    ['the third of the new window', [0, 90, 101, 102, 103], true],
    ['never a whole window apart, at a steady pace', [0, 90, 180, 270, 360], false],
  ] as const)('from the first one on: %s', (_, times, tooMany) => {
    expect(isTooMany(times, limit('first'))).toBe(tooMany);
  });

  it.each([
    ['one more, all within the window', [0, 50, 100], true],
    ['those of the last window count, whenever the first was', [0, 90, 101, 102], true],
    ['never a whole window apart, at a steady pace', [0, 90, 180, 270, 360], false],
  ] as const)('that slides: %s', (_, times, tooMany) => {
    expect(isTooMany(times, limit('sliding'))).toBe(tooMany);
  });
});

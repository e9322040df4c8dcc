import { readFileSync } from 'node:fs';
import { recoverOne } from './readme-example.js';
import { errorAt, ref, scripted, STAGES, words } from './scripted-platform.js';

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

describe('the example of the README', () => {
  it('is the code that is tested here', () => {
    const [, code] = /```ts\n([\s\S]*?)```/.exec(read('../README.md'))!;
    expect(code).toBe(read('./readme-example.ts'));
  });

  it('recovers', async () => {
    const outcome = await recoverOne(scripted({ stages: STAGES }), errorAt(1));
    expect(outcome).toMatchObject({ result: 'recovered', usable: [ref(1)] });
    expect(words(outcome.trace)).toEqual([
      'begin',
      'call errorDetected',
      'answer need_reset',
      'operate reset',
      'operated reset ok',
      'call slotReset',
      'answer recovered',
      'call resume',
      'answer told',
      'end recovered',
    ]);
  });
});

import { readFileSync } from 'node:fs';
import { A, go, Lab, ONE } from './device/lab.js';
import { resetAfterError } from './readme-example.js';

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

describe('the example of the README', () => {
  it('is the code that is tested here', () => {
    const [, code] = /```ts\n([\s\S]*?)```/.exec(read('../README.md'))!;
    expect(code).toBe(read('./readme-example.ts'));
  });

  it('resets the device after an error, and leaves nothing open', async () => {
    const lab = new Lab(ONE);
    const done = resetAfterError(A, go.signal, lab.options);
    await lab.turn();
    void lab.kernel.error(A, { severity: 'fatal' }).play(lab.clock);
    expect(await lab.clock.drive(done)).toBe('1 signals, command 0');
    expect(lab.left).toEqual([]);
  });
});

import { type ErsResult } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { readFileSync } from 'node:fs';
import { recoverOnce } from './readme-example.js';

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

describe('the example of the README', () => {
  it('is the code that is tested here', () => {
    const [, code] = /```ts\n([\s\S]*?)```/.exec(read('../../README.md'))!;
    expect(code).toBe(read('./readme-example.ts'));
  });

  it('recovers, and calls the driver as the README says', async () => {
    const clock = new VirtualClock();
    const calls: string[] = [];
    const vote = (call: string, result: ErsResult): ErsResult => (calls.push(call), result);
    const outcome = await clock.drive(
      recoverOnce(clock, {
        errorDetected: (_, channel) => vote(`error_detected(${channel})`, 'need_reset'),
        slotReset: () => vote('slot_reset', 'recovered'),
        resume: () => void calls.push('resume'),
      }),
    );
    expect(outcome).toMatchObject({ result: 'recovered', why: 'Everybody who voted recovered.' });
    expect(calls).toEqual(['error_detected(frozen)', 'slot_reset', 'resume']);
    expect(read('../../README.md')).toContain(calls.map((call) => `\`${call}\``).join(', '));
  });
});

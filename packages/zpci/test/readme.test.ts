import { type ChannelState, type ErsResult } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { readFileSync } from 'node:fs';
import { recoverOnce } from './readme-example.js';

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

describe('the example of the README', () => {
  it('is the code that is tested here', () => {
    const [, code] = /```ts\n([\s\S]*?)```/.exec(read('../README.md'))!;
    expect(code).toBe(read('./readme-example.ts'));
  });

  it('resets the function, and its driver resumes', async () => {
    const clock = new VirtualClock();
    const calls: string[] = [];
    const say = <T>(what: string, answer: T): T => {
      calls.push(what);
      return answer;
    };
    const outcome = await clock.drive(
      recoverOnce(clock, {
        errorDetected: (_, channel: ChannelState): ErsResult => say(`error_detected(${channel})`, 'need_reset'),
        slotReset: (): ErsResult => say('slot_reset', 'recovered'),
        resume: () => say('resume', undefined),
      }),
    );
    expect(outcome).toMatchObject({
      result: 'recovered',
      event: { record: { ccdf: { pec: 4, faddr: '0x0000000120000000' } } },
    });
    expect(calls).toEqual(['error_detected(frozen)', 'slot_reset', 'resume']);
  });
});
